//! Tables for people, JSON for programs; the only place that prints.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

/// Prints a line to standard output.
pub fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Prints one JSON document on one line.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(line(&serde_json::to_string(value)?)?)
}

/// Says to standard error why a command failed, without the backtrace that is of use to nobody there.
pub fn complaint(error: &anyhow::Error) {
    // Where standard error is closed too, the exit code has to do.
    let _ = writeln!(io::stderr().lock(), "error: {error:#}");
}

/// Whether a command failed only because nobody reads its output any more.
pub fn was_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Prints rows under a heading, each column as wide as its widest cell.
pub fn table<const COLUMNS: usize>(
    heading: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> io::Result<()> {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let written = |row: [&str; COLUMNS]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    line(&written(heading))?;
    rows.iter().try_for_each(|row| line(&written(row.each_ref().map(String::as_str))))
}
