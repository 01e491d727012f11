//! A PDF written by hand: lines of text on A4 pages, nothing else.

use std::fmt::Write;

const LINES_PER_PAGE: usize = 46;

/// The first line is larger: the title.
pub fn write(lines: &[String]) -> Vec<u8> {
    let pages: Vec<&[String]> = lines.chunks(LINES_PER_PAGE).collect();
    let mut objects: Vec<Vec<u8>> = Vec::new();
    let kids: String = (0..pages.len()).fold(String::new(), |mut kids, page| {
        let _ = write!(kids, "{} 0 R ", 4 + 2 * page);
        kids
    });
    objects.push(b"<< /Type /Catalog /Pages 2 0 R >>".to_vec());
    objects.push(format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()).into_bytes());
    objects.push(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_vec(),
    );
    for (number, page) in pages.iter().enumerate() {
        let page_object = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
             /Resources << /Font << /F 3 0 R >> >> >>",
            5 + 2 * number
        );
        objects.push(page_object.into_bytes());
        objects.push(contents(page, number == 0));
    }
    assemble(&objects)
}

fn contents(lines: &[String], first: bool) -> Vec<u8> {
    let mut text = b"BT 56 786 Td 16 TL\n".to_vec();
    for (place, line) in lines.iter().enumerate() {
        let size = if first && place == 0 { 16 } else { 10 };
        text.extend(format!("/F {size} Tf (").into_bytes());
        text.extend(encode(line));
        text.extend(b") Tj T*\n");
    }
    text.extend(b"ET");
    let mut object = format!("<< /Length {} >>\nstream\n", text.len()).into_bytes();
    object.extend(text);
    object.extend(b"\nendstream");
    object
}

/// In Windows' Latin alphabet, which the built-in fonts know; `?` for what it lacks.
fn encode(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for character in line.chars() {
        match character {
            '(' | ')' | '\\' => bytes.extend([b'\\', u8::try_from(character).unwrap_or(b'?')]),
            ' '..='~' | '\u{a0}'..='\u{ff}' => bytes.push(u8::try_from(character).unwrap_or(b'?')),
            '€' => bytes.push(0x80),
            '–' => bytes.push(0x96),
            '’' => bytes.push(0x92),
            _ => bytes.push(b'?'),
        }
    }
    bytes
}

/// Numbers the objects and ends with the table of where each begins.
fn assemble(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (place, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        file.extend(format!("{} 0 obj\n", place + 1).into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(table.into_bytes());
    let trailer = format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    file.extend(trailer.into_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn every_object_begins_where_the_table_says() {
        let lines: Vec<String> = (0..60).map(|n| format!("Zeile {n} (50 € × 2)")).collect();
        let file = write(&lines);
        assert!(file.starts_with(b"%PDF-1.4\n") && file.ends_with(b"%%EOF\n"));
        let text = String::from_utf8_lossy(&file);
        assert!(text.contains("/Count 2"), "two pages");
        // Positions are those of bytes; the text above is not UTF-8.
        let find = |from: usize, what: &[u8]| {
            from + file[from..].windows(what.len()).position(|found| found == what).unwrap()
        };
        let table = find(0, b"xref\n0 8\n");
        for number in 1..8 {
            let row = table + 9 + 20 * number;
            let start: usize = std::str::from_utf8(&file[row..row + 10]).unwrap().parse().unwrap();
            assert!(file[start..].starts_with(format!("{number} 0 obj\n").as_bytes()), "{number}");
        }
        find(0, b"(Zeile 59 \\(50 \x80 \xd7 2\\)) Tj");
    }
}
