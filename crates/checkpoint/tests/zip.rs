//! Zip archives load with any offset in the file, any folder name and any packing.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use burn_zoo_checkpoint::testing::{self, ZipOptions};
use burn_zoo_checkpoint::{Archive, ErrorKind};

fn check(root: &str, options: &ZipOptions) {
    let state = testing::state_dict(testing::weights());
    let file = testing::write_zip(&testing::torch_entries(root, &state, 2), options);
    let archive = Archive::from_bytes("file", file)
        .unwrap_or_else(|error| panic!("{root} {options:?}: {error}"));
    let weights = testing::weights();
    assert_eq!(archive.tensors().len(), weights.len());
    for (tensor, (key, array)) in archive.tensors().iter().zip(weights) {
        assert_eq!(&*tensor.path()[0], key);
        assert_eq!(tensor.read().unwrap(), array.bytes, "{root} {options:?}");
    }
}

#[test]
fn files_of_names_of_1_to_80_bytes_are_read() {
    for len in 1..=80 {
        let root = "n".repeat(len);
        for zip64 in [false, true] {
            for alignment in [0, 64] {
                check(
                    &root,
                    &ZipOptions {
                        zip64,
                        alignment,
                        ..ZipOptions::default()
                    },
                );
            }
            check(
                &root,
                &ZipOptions {
                    zip64,
                    before: vec![b'x'; len],
                    ..ZipOptions::default()
                },
            );
        }
    }
    check("modèle_épreuve", &ZipOptions::default());
}

#[test]
fn archives_with_comments_padding_descriptors_and_data_before_them_are_read() {
    let comments: [&[u8]; 4] = [
        b"",
        b"a comment",
        b"PK\x05\x06 in a comment, PK\x01\x02 too",
        &[b'c'; 65_535],
    ];
    let befores: [&[u8]; 3] = [b"", b"#!/bin/sh\nexec python $0\n", &[7; 70_000]];
    for comment in comments {
        for before in befores {
            for (deflated, descriptors, zip64) in [
                (false, false, false),
                (true, true, false),
                (true, false, true),
                (false, true, true),
            ] {
                check(
                    "archive",
                    &ZipOptions {
                        deflated,
                        zip64,
                        descriptors,
                        alignment: 64,
                        before: before.to_vec(),
                        comment: comment.to_vec(),
                    },
                );
            }
        }
    }
}

#[test]
fn bytes_behind_an_archive_do_not_hide_it() {
    let mut file = testing::torch_zip("archive", &testing::state_dict(testing::weights()));
    file.extend([0; 100]);
    assert_eq!(
        Archive::from_bytes("file", file).unwrap().tensors().len(),
        4
    );
}

#[test]
fn an_older_directory_before_the_last_one_is_left_alone() {
    // Two consecutive archives: the last one counts, as in Python.
    let first = testing::torch_zip("first", &testing::state_dict([]));
    let mut file = first;
    file.extend(testing::torch_zip(
        "second",
        &testing::state_dict(testing::weights()),
    ));
    assert_eq!(
        Archive::from_bytes("file", file).unwrap().tensors().len(),
        4
    );
}

#[test]
fn data_pkl_may_lie_at_the_root_or_in_a_folder() {
    let state = testing::state_dict(testing::weights());
    let entries = testing::torch_entries("archive", &state, 2);
    let bare: Vec<_> = entries
        .iter()
        .map(|(name, bytes)| {
            (
                name.trim_start_matches("archive/").to_owned(),
                bytes.clone(),
            )
        })
        .collect();
    let archive =
        Archive::from_bytes("file", testing::write_zip(&bare, &ZipOptions::default())).unwrap();
    assert_eq!(
        archive.tensors()[0].read().unwrap(),
        testing::weights()[0].1.bytes
    );
    // In any order.
    let turned: Vec<_> = entries.into_iter().rev().collect();
    let archive =
        Archive::from_bytes("file", testing::write_zip(&turned, &ZipOptions::default())).unwrap();
    assert_eq!(
        archive.tensors()[0].read().unwrap(),
        testing::weights()[0].1.bytes
    );
}

#[test]
fn big_endian_files_are_swapped() {
    let mut array = testing::Array::floats(&[2], &[1.0, -2.5]);
    let little = array.bytes.clone();
    for word in array.bytes.chunks_exact_mut(4) {
        word.reverse();
    }
    let mut entries = testing::torch_entries("archive", &testing::state_dict([("w", array)]), 2);
    let order = entries
        .iter_mut()
        .find(|(name, _)| name.ends_with("/byteorder"))
        .unwrap();
    order.1 = b"big".to_vec();
    let file = testing::write_zip(&entries, &ZipOptions::default());
    assert_eq!(
        Archive::from_bytes("file", file).unwrap().tensors()[0]
            .read()
            .unwrap(),
        little
    );
}

#[test]
fn a_file_that_is_cut_off_says_so_at_every_length() {
    let file = testing::torch_zip("archive", &testing::state_dict(testing::weights()));
    for len in (4..file.len()).step_by(97) {
        let error = Archive::from_bytes("half.pth", file[..len].to_vec()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Damaged(_)),
            "{len}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with("half.pth: cut off") && text.ends_with("fetch it again"),
            "{text}"
        );
    }
}

#[test]
fn an_entry_that_unpacks_without_end_is_refused() {
    let mut entries = testing::torch_entries("archive", &testing::state_dict([]), 2);
    entries[0].1 = vec![b'N'; 64 << 20];
    let file = testing::write_zip(
        &entries,
        &ZipOptions {
            deflated: true,
            ..ZipOptions::default()
        },
    );
    let error = Archive::from_bytes("bomb", file).unwrap_err().to_string();
    assert!(error.contains("would unpack to 67108864 bytes"), "{error}");
}
