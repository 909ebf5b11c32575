//! What goes to standard output: one JSON document or tables, and nothing else.

use std::borrow::Cow;
use std::io::Write as _;

use comfy_table::{Table, presets};
use serde_json::Value;

/// Text without what would change a terminal or hide what stands there: names come from files of anyone.
fn plain(text: &str) -> Cow<'_, str> {
    let unsafe_here = |letter: char| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(unsafe_here) {
        return text.into();
    }
    let escaped = text.chars().map(|letter| match unsafe_here(letter) {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    });
    escaped.collect::<String>().into()
}

/// Writes text to standard output; a closed pipe is an error that `failure` takes for success.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    write(&plain(text))
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Writes one JSON document.
pub(crate) fn json(value: &Value) -> anyhow::Result<()> {
    // Programs read it, and JSON has escapes of its own.
    write(&serde_json::to_string_pretty(value)?)
}

/// An empty table with these columns.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(header.iter().copied());
    table
}

/// Writes a table.
pub(crate) fn print(table: &Table) -> anyhow::Result<()> {
    text(&table.trim_fmt())
}

/// Tells of progress on standard error, where it disturbs no script.
pub(crate) fn note(message: &str) {
    // Who closed standard error wants no lines, but still the result.
    let _ = writeln!(std::io::stderr(), "{}", plain(message));
}

/// Tells of what failed.
pub(crate) fn failed(message: impl std::fmt::Display) {
    note(&format!("burn-zoo: {message}"));
}

/// `1_234_567` as `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `[64, 56, 56]` as `64x56x56`.
pub(crate) fn shape(sizes: &[usize]) -> String {
    sizes
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join("x")
}

/// A number that may be unknown, with two decimals.
pub(crate) fn percent(value: Option<f32>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

/// Bytes that may be unknown, in millions.
pub(crate) fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "-".to_owned(),
        |bytes| format!("{:.1}", bytes as f64 / 1e6),
    )
}

/// A float as JSON without the noise of widening: 69.758, not 69.75800323486328.
pub(crate) fn number(value: f32) -> Value {
    value
        .to_string()
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_reach_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{202e}c\nd"),
            "a\\u{1b}[31mb\\u{202e}c\nd"
        );
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, expected) in [(0, "0"), (999, "999"), (11_689_512, "11,689,512")] {
            assert_eq!(grouped(count), expected);
        }
    }

    #[test]
    fn floats_keep_their_shortest_form_in_json() {
        assert_eq!(number(69.758).to_string(), "69.758");
        assert_eq!(number(f32::NAN), Value::Null);
    }
}
