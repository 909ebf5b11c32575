//! Label lists.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::Path;

use burn_zoo_core::labels::{imagenet_1k, read};

fn labels(text: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.txt");
    std::fs::write(&path, text).unwrap();
    read(&path).map_err(|error| {
        let error = error.to_string();
        let start = format!("labels {}: ", path.display());
        error
            .strip_prefix(&start)
            .unwrap_or_else(|| panic!("{error}"))
            .to_owned()
    })
}

#[test]
fn imagenet_has_its_thousand_classes_in_order() {
    let classes = imagenet_1k();
    assert_eq!(classes.len(), 1000);
    for (class, synset, name) in [
        (0, "n01440764", "tench"),
        (217, "n02102040", "English springer"),
        (999, "n15075141", "toilet tissue"),
    ] {
        assert_eq!((classes[class].synset, classes[class].name), (synset, name));
    }
    assert!(
        classes
            .iter()
            .all(|class| class.synset.len() == 9 && !class.name.is_empty())
    );
}

#[test]
fn lines_are_names() {
    assert_eq!(
        labels("cat\r\n  dog \nfish, raw\n\n").unwrap(),
        ["cat", "dog", "fish, raw"]
    );
    assert_eq!(labels("\u{feff}only").unwrap(), ["only"]);
}

#[test]
fn two_classes_may_have_one_name() {
    assert_eq!(
        labels("crane\nsnake\ncrane\n").unwrap(),
        ["crane", "snake", "crane"]
    );
}

#[test]
fn a_csv_file_gives_its_name_column() {
    let text = "class,\"name\",note\n0,\"cat, tabby\",x\n1,the \"\"big\"\" dog,\n";
    assert_eq!(labels(text).unwrap(), ["cat, tabby", "the big dog"]);
    assert_eq!(labels("id,name\n0,\"a \"\"b\"\"\"\n").unwrap(), ["a \"b\""]);
    let own = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/imagenet_1k.csv")).unwrap();
    assert_eq!(
        (own.len(), own[134].as_str(), own[517].as_str()),
        (1000, "crane bird", "crane")
    );
}

#[test]
fn a_file_without_a_name_is_an_error() {
    let expected = "no name in it; expected one a line, or a CSV file with a name column";
    for text in ["", "\n\n", "class,name\n"] {
        assert_eq!(labels(text).unwrap_err(), expected, "{text:?}");
    }
}

#[test]
fn a_blank_name_is_an_error_that_names_the_line() {
    let expected = "line 2 has no name (class 1); every class needs one";
    assert_eq!(labels("cat\n\ndog\n").unwrap_err(), expected);
    let expected = "line 3 has no name (class 1); every class needs one";
    assert_eq!(
        labels("class,name\n0,cat\n1,\n2,dog\n").unwrap_err(),
        expected
    );
}

#[test]
fn a_csv_row_of_another_length_is_an_error_that_names_the_line() {
    let expected = "line 3 does not have the 2 columns of the first line";
    assert_eq!(labels("class,name\n0,cat\n1\n").unwrap_err(), expected);
    assert_eq!(
        labels("class,name\n0,cat\n1,\"dog\n").unwrap_err(),
        expected
    );
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let error = read(Path::new("nowhere/labels.txt"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read nowhere/labels.txt: "),
        "{error}"
    );
}
