//! Single values that replace a recipe's.

use toml::{Table, Value};

/// Sets `a.b = value` in nested tables.
pub(super) fn set(table: &mut Table, key: &str, value: &str) -> Result<(), String> {
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let mut table = table;
    for part in parts {
        let inner = table
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(inner) = inner else {
            return Err(format!("cannot set {key}: {part} is a value, not a table"));
        };
        table = inner;
    }
    table.insert(last.to_owned(), value_of(value));
    Ok(())
}

/// A TOML value, or a string where it is none.
fn value_of(text: &str) -> Value {
    let document: Result<Table, _> = toml::from_str(&format!("value = {text}"));
    match document.ok().and_then(|mut table| table.remove("value")) {
        Some(value) => value,
        None => Value::String(text.to_owned()),
    }
}
