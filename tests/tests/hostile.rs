//! The short version of `hostile`; CONTRIBUTING.md has the long one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::process::Command;

use burn_zoo_tests::hostile::{ATTACKS, FORMS};

/// Each attack on each form some times.
const FILES: usize = 2 * FORMS.len() * ATTACKS.len() * 10;

#[test]
fn broken_files_are_refused_by_name_without_panic_hang_or_much_memory() {
    let output = Command::new(env!("CARGO_BIN_EXE_hostile"))
        .args([FILES.to_string(), "1000000".to_owned()])
        .output()
        .unwrap();
    let [report, errors] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{report}{errors}");
    assert_eq!(errors, "");
    let rows: Vec<&str> = report
        .lines()
        .filter(|line| line.ends_with(" MB"))
        .collect();
    assert_eq!(rows.len(), FORMS.len() * ATTACKS.len(), "{report}");
    // Untouched files load, all of them.
    for form in FORMS {
        let starts = |row: &&&str| row.starts_with(&format!("{form:22} untouched "));
        let row = rows.iter().find(starts).unwrap();
        let counts: Vec<&str> = row[form.len().max(22)..].split_whitespace().collect();
        assert_eq!(counts[1..3], ["0", "20"], "{row}");
    }
}
