//! Rust source cut into words, marks and string literals; comments are dropped. Only as exact as
//! the rules need: a comment or a string must never be taken for code.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// An identifier, a keyword or a number.
    Word(&'a str),
    /// Punctuation: one character, except `::`.
    Mark(&'a str),
    /// What stands between the quotes of a string literal, escapes as written.
    Text(&'a str),
}

/// The tokens, each with the line it begins on.
pub fn tokens(source: &str) -> Vec<(usize, Token<'_>)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while !rest.is_empty() {
        let (length, token) = next(rest);
        if let Some(token) = token {
            found.push((line, token));
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// How many bytes to go on, and the token in them if there is one.
fn next(rest: &str) -> (usize, Option<Token<'_>>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some((length, text)) = string(rest) {
        return (length, Some(Token::Text(text)));
    }
    if let Some(length) = character(rest) {
        return (length, None);
    }
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    if word > 0 {
        return (word, Some(Token::Word(&rest[..word])));
    }
    let length =
        if rest.starts_with("::") { 2 } else { rest.chars().next().map_or(1, char::len_utf8) };
    let mark = &rest[..length];
    (length, (!mark.trim().is_empty()).then_some(Token::Mark(mark)))
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// `"…"`, `b"…"`, `c"…"`, and the raw forms with any number of `#`.
fn string(rest: &str) -> Option<(usize, &str)> {
    let after_kind = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let (raw, after_raw) = match after_kind.strip_prefix('r') {
        Some(after) => (true, after),
        None => (false, after_kind),
    };
    let hashes = if raw { after_raw.bytes().take_while(|byte| *byte == b'#').count() } else { 0 };
    let inner = after_raw[hashes..].strip_prefix('"')?;
    let end =
        if raw { inner.find(&format!("\"{}", "#".repeat(hashes))) } else { unescaped(inner, b'"') }
            .unwrap_or(inner.len());
    let start = rest.len() - inner.len();
    Some(((start + end + 1 + hashes).min(rest.len()), &inner[..end]))
}

/// `'x'` or `'\n'`, but not the beginning of a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return Some(unescaped(inner, b'\'')? + 2);
    }
    let first = inner.chars().next()?.len_utf8();
    inner[first..].starts_with('\'').then_some(first + 2)
}

/// Where this quote first stands without a backslash before it.
fn unescaped(text: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let found = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::Token::{Mark, Text, Word};
    use super::*;

    fn kinds(source: &str) -> Vec<Token<'_>> {
        tokens(source).into_iter().map(|(_, token)| token).collect()
    }

    #[test]
    fn words_and_marks() {
        let expected = [Word("use"), Word("crate"), Mark("::"), Word("db"), Mark(";")];
        assert_eq!(kinds("use crate::db;"), expected);
    }

    #[test]
    fn comments_are_dropped_also_nested_ones_and_ones_that_look_like_strings() {
        assert_eq!(kinds("a // \"b\n/* c /* d */ \" */ e /* never closed"), [Word("a"), Word("e")]);
    }

    #[test]
    fn strings_of_every_kind() {
        assert_eq!(kinds(r#""a \" // b" c"#), [Text(r#"a \" // b"#), Word("c")]);
        assert_eq!(kinds(r##"r#"a " b"# c"##), [Text("a \" b"), Word("c")]);
        assert_eq!(kinds(r#"b"x" br"\" c"y""#), [Text("x"), Text("\\"), Text("y")]);
        assert_eq!(kinds(r#""\\" a"#), [Text(r"\\"), Word("a")]);
        assert_eq!(kinds("\"never closed"), [Text("never closed")]);
    }

    #[test]
    fn characters_are_not_lifetimes() {
        assert_eq!(kinds(r#"'"' '\'' '«' &'a b"#), [Mark("&"), Mark("'"), Word("a"), Word("b")]);
    }

    #[test]
    fn a_word_that_begins_like_a_string_is_a_word() {
        assert_eq!(kinds("row r#type"), [Word("row"), Word("r"), Mark("#"), Word("type")]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let lines: Vec<usize> =
            tokens("a\n\"b\nc\" /*\n*/ d").into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }
}
