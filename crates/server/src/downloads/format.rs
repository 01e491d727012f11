//! Lines of a file: CSV for spreadsheets (RFC 4180), NDJSON for programs.

use serde_json::value::RawValue;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
}

/// One value of a line.
#[derive(Clone, Debug)]
pub enum Cell {
    Nothing,
    /// Ids, words, moments, and what people wrote.
    Text(String),
    /// Digits, as exact as they are.
    Number(String),
    Truth(bool),
    Json(Box<RawValue>),
}

impl Format {
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// What a file begins with.
    pub fn head(self, columns: &[&str]) -> String {
        match self {
            Self::Csv => columns.join(",") + "\r\n",
            Self::Ndjson => String::new(),
        }
    }

    /// Appends one line, its cells in the order of the columns.
    ///
    /// # Errors
    /// Never: every text has a JSON form.
    pub fn write(
        self,
        line: &mut String,
        columns: &[&str],
        cells: &[Cell],
    ) -> serde_json::Result<()> {
        match self {
            Self::Csv => {
                let fields: Vec<String> = cells.iter().map(field).collect();
                line.push_str(&fields.join(","));
                line.push_str("\r\n");
            }
            Self::Ndjson => {
                line.push('{');
                for (index, (name, cell)) in columns.iter().zip(cells).enumerate() {
                    line.push_str(if index == 0 { "\"" } else { ",\"" });
                    line.push_str(name);
                    line.push_str("\":");
                    line.push_str(&value(cell)?);
                }
                line.push_str("}\n");
            }
        }
        Ok(())
    }
}

fn field(cell: &Cell) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Number(digits) => digits.clone(),
        Cell::Truth(truth) => truth.to_string(),
        Cell::Text(text) => quoted(&harmless(text)),
        Cell::Json(json) => quoted(json.get()),
    }
}

/// What a spreadsheet would take for a formula is made a text by an apostrophe; it would run it otherwise.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn value(cell: &Cell) -> serde_json::Result<String> {
    Ok(match cell {
        Cell::Nothing => "null".to_owned(),
        Cell::Number(digits) => digits.clone(),
        Cell::Truth(truth) => truth.to_string(),
        Cell::Text(text) => serde_json::to_string(text)?,
        Cell::Json(json) => json.get().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_quoted_where_it_must_be_and_runs_nothing() {
        for (text, written) in [
            ("Acme", "Acme"),
            ("Acme, Inc.", "\"Acme, Inc.\""),
            ("the \"one\"", "\"the \"\"one\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1:A2)", "'@SUM(A1:A2)"),
            ("\t=1", "'\t=1"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("", ""),
        ] {
            assert_eq!(field(&Cell::Text(text.to_owned())), written, "{text}");
        }
        assert_eq!(field(&Cell::Number("-29.00".to_owned())), "-29.00");
    }

    #[test]
    fn a_line_of_json_keeps_its_digits() {
        let mut line = String::new();
        let cells = [
            Cell::Text("a \"b\"".to_owned()),
            Cell::Number("29.00".to_owned()),
            Cell::Nothing,
            Cell::Truth(true),
            Cell::Json(RawValue::from_string("{\"x\":1}".to_owned()).unwrap()),
        ];
        Format::Ndjson.write(&mut line, &["a", "b", "c", "d", "e"], &cells).unwrap();
        assert_eq!(
            line,
            "{\"a\":\"a \\\"b\\\"\",\"b\":29.00,\"c\":null,\"d\":true,\"e\":{\"x\":1}}\n"
        );
    }
}
