//! CIFAR-10 and CIFAR-100 in their original binary form (Krizhevsky 2009), packed or unpacked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use burn_zoo_core::Error;
use flate2::read::MultiGzDecoder;

use crate::idx::dataset;
use crate::records::{self, Layout, Part, Records};

/// Height and width of every image.
const SIDE: usize = 32;

/// Bytes of the pixels of an image.
const PIXELS: usize = 3 * SIDE * SIDE;

/// Bytes that an archive may unpack to; the real ones have 184 million.
const LARGEST: u64 = 1 << 30;

/// One of the two data sets as it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archive {
    /// What people call it.
    pub name: &'static str,
    /// Where it is published.
    pub url: &'static str,
    /// Name of the file.
    pub file: &'static str,
    /// Checksum of the file.
    pub sha256: &'static str,
}

/// The archives that [`Dataset::open`](crate::Dataset::open) reads, at the University of Toronto,
/// with the checksums that other libraries verify (gomlx, MLDatasets.jl).
pub const CIFAR: [Archive; 2] = [
    Archive {
        name: "cifar-10",
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        file: "cifar-10-binary.tar.gz",
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    },
    Archive {
        name: "cifar-100",
        url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        file: "cifar-100-binary.tar.gz",
        sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    },
];

/// What the files of one of the two are called and hold.
struct Form {
    /// Folder in the archive.
    folder: &'static str,
    classes: usize,
    /// Bytes before the pixels; the last is the class (of CIFAR-100, the fine one).
    head: usize,
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// File of the classes' names.
    names: &'static str,
}

const FORMS: [Form; 2] = [
    Form {
        folder: "cifar-10-batches-bin",
        classes: 10,
        head: 1,
        train: &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
        ],
        test: &["test_batch.bin"],
        names: "batches.meta.txt",
    },
    Form {
        folder: "cifar-100-binary",
        classes: 100,
        head: 2,
        train: &["train.bin"],
        test: &["test.bin"],
        names: "fine_label_names.txt",
    },
];

/// One split.
#[derive(Debug)]
pub(crate) struct Cifar {
    pub(crate) records: Records,
    pub(crate) labels: Vec<usize>,
    /// The names of all classes, where their file is there.
    pub(crate) names: Vec<String>,
}

/// Where the files are.
enum Place {
    Folder(PathBuf),
    Archive(PathBuf),
}

/// Opens `split`, `train` or `test`, of what is at `path`: an archive, the unpacked folder, or
/// a folder with either in it. `None` if there is neither.
pub(crate) fn open(path: &Path, split: &str) -> Result<Option<Cifar>, Error> {
    let Some(place) = place(path)? else {
        return Ok(None);
    };
    let (place, mut members) = match place {
        Place::Folder(folder) => {
            let members = of_folder(&folder)?;
            (folder, members)
        }
        Place::Archive(archive) => {
            let members = of_archive(&archive)?;
            (archive, members)
        }
    };
    let there = |form: &&Form| {
        let mut names = form.train.iter().chain(form.test);
        names.any(|name| members.contains_key(*name))
    };
    let Some(form) = FORMS.iter().find(there) else {
        let reason = "the files of neither CIFAR-10 nor CIFAR-100 (binary version) are in it";
        return Err(dataset(&place, reason.to_owned()));
    };
    let names = match split {
        "train" => form.train,
        "test" => form.test,
        _ => {
            let reason = format!("no split {split} in it; CIFAR has train and test");
            return Err(dataset(&place, reason));
        }
    };
    let (mut parts, mut labels) = (Vec::new(), Vec::new());
    for name in names {
        let Some(member) = members.remove(*name) else {
            return Err(dataset(&place, format!("{name} is missing")));
        };
        let count = member.labels(form, &mut labels)?;
        parts.push(Part {
            path: member.path,
            file: Arc::new(Mutex::new(member.file)),
            start: 0,
            count,
        });
    }
    let text = match members.remove(form.names) {
        Some(member) => std::io::read_to_string(member.file)
            .map_err(|error| dataset(&member.path, error.to_string()))?,
        None => String::new(),
    };
    let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
    Ok(Some(Cifar {
        records: Records {
            size: [SIDE; 2],
            layout: Layout::Planes,
            head: form.head,
            parts,
        },
        labels,
        names: names.take(form.classes).map(str::to_owned).collect(),
    }))
}

impl Cifar {
    /// Number of classes of the data set.
    pub(crate) fn classes(&self) -> usize {
        let form = FORMS.iter().find(|form| form.head == self.records.head);
        form.map_or(0, |form| form.classes)
    }
}

/// A file of the data set, at its beginning.
struct Member {
    /// What messages call it.
    path: PathBuf,
    file: File,
}

impl Member {
    /// Adds the labels of its records to `labels`; returns how many there are.
    fn labels(&self, form: &Form, labels: &mut Vec<usize>) -> Result<usize, Error> {
        let failed = |reason: String| dataset(&self.path, reason);
        let mut file = BufReader::with_capacity(1 << 16, &self.file);
        let mut record = vec![0; form.head + PIXELS];
        for count in 0.. {
            let mut filled = 0;
            while filled < record.len() {
                match file.read(&mut record[filled..]) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(error) => return Err(failed(error.to_string())),
                }
            }
            match filled {
                0 if count == 0 => return Err(failed("no images in it".to_owned())),
                0 => return Ok(count),
                _ if filled < record.len() => {
                    let reason = format!(
                        "cut off within image {count}; each has {} bytes",
                        record.len()
                    );
                    return Err(failed(reason));
                }
                _ => {}
            }
            let label = usize::from(record[form.head - 1]);
            if label >= form.classes {
                let reason = format!(
                    "image {count} has class {label}, but there are {}",
                    form.classes
                );
                return Err(failed(reason));
            }
            labels.push(label);
        }
        unreachable!("the loop ends with the file")
    }
}

fn known(name: &str) -> bool {
    FORMS.iter().any(|form| {
        let mut names = form.train.iter().chain(form.test);
        name == form.names || names.any(|known| *known == name)
    })
}

fn place(path: &Path) -> Result<Option<Place>, Error> {
    if path.is_file() {
        return Ok(Some(Place::Archive(path.to_path_buf())));
    }
    for form in &FORMS {
        for folder in [path.to_path_buf(), path.join(form.folder)] {
            let mut names = form.train.iter().chain(form.test);
            if names.any(|name| folder.join(name).is_file()) {
                return Ok(Some(Place::Folder(folder)));
            }
        }
    }
    let mut archives = CIFAR.iter().map(|archive| path.join(archive.file));
    let found: Vec<_> = archives.by_ref().filter(|path| path.is_file()).collect();
    match found.as_slice() {
        [] => Ok(None),
        [archive] => Ok(Some(Place::Archive(archive.clone()))),
        _ => {
            let reason = "both CIFAR-10 and CIFAR-100 are in it; give the path of one archive";
            Err(dataset(path, reason.to_owned()))
        }
    }
}

fn of_folder(folder: &Path) -> Result<BTreeMap<String, Member>, Error> {
    let mut members = BTreeMap::new();
    let names = FORMS
        .iter()
        .flat_map(|form| form.train.iter().chain(form.test).chain([&form.names]));
    for name in names {
        let path = folder.join(name);
        if path.is_file() {
            let file = records::open(&path)?;
            members.insert((*name).to_owned(), Member { path, file });
        }
    }
    Ok(members)
}

/// Unpacks the files of an archive to nameless ones: nothing stays behind, and no image in memory.
fn of_archive(path: &Path) -> Result<BTreeMap<String, Member>, Error> {
    let failed = |error: std::io::Error| {
        let reason = format!("the archive is broken, or none of CIFAR's: {error}");
        dataset(path, reason)
    };
    let file = BufReader::new(records::open(path)?);
    let bytes: Box<dyn Read> = if records::is_gzip(path)? {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut members = BTreeMap::new();
    let mut archive = tar::Archive::new(bytes.take(LARGEST));
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let name = entry.path().map_err(failed)?;
        let name = name
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(name) = name.filter(|name| known(name)) else {
            continue;
        };
        let mut file = BufWriter::new(records::unnamed()?);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = entry.read(&mut buffer).map_err(failed)?;
            if count == 0 {
                break;
            }
            file.write_all(&buffer[..count])
                .map_err(records::unwritten)?;
        }
        let mut file = file
            .into_inner()
            .map_err(|error| records::unwritten(error.into_error()))?;
        std::io::Seek::rewind(&mut file).map_err(records::unwritten)?;
        let path = path.join(&name);
        members.insert(name, Member { path, file });
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as the data set's page describes it: the labels, then 1,024 bytes of red, green
    /// and blue each, row by row.
    fn record(labels: &[u8], seed: usize) -> Vec<u8> {
        let pixel = |at: usize| (at * 7 + at / 1024 * 50 + seed) as u8;
        [labels, &(0..PIXELS).map(pixel).collect::<Vec<_>>()].concat()
    }

    /// Two images in each file, which lie in the archive as in the published one: mixed.
    fn files_of_ten() -> Vec<(&'static str, Vec<u8>)> {
        let batch = |seed: u8| {
            let images = [seed, seed + 1].map(|label| record(&[label % 10], usize::from(label)));
            images.concat()
        };
        vec![
            ("data_batch_1.bin", batch(0)),
            (
                "batches.meta.txt",
                b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
                    .to_vec(),
            ),
            ("data_batch_3.bin", batch(4)),
            ("data_batch_4.bin", batch(6)),
            ("test_batch.bin", batch(3)),
            ("readme.html", b"<html></html>".to_vec()),
            ("data_batch_5.bin", batch(8)),
            ("data_batch_2.bin", batch(2)),
        ]
    }

    fn archive(path: &Path, folder: &str, files: &[(&str, Vec<u8>)]) {
        let file = File::create(path).unwrap();
        let encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            let name = format!("{folder}/{name}");
            builder
                .append_data(&mut header, name, bytes.as_slice())
                .unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
    }

    fn message(path: &Path, split: &str) -> String {
        open(path, split).unwrap_err().to_string()
    }

    #[test]
    fn cifar_10_is_read_packed_and_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("cifar-10-binary.tar.gz");
        archive(&packed, "cifar-10-batches-bin", &files_of_ten());
        let unpacked = folder.path().join("unpacked/cifar-10-batches-bin");
        std::fs::create_dir_all(&unpacked).unwrap();
        for (name, bytes) in files_of_ten() {
            std::fs::write(unpacked.join(name), bytes).unwrap();
        }
        let above = folder.path().join("unpacked");
        for path in [packed.as_path(), folder.path(), &unpacked, &above] {
            let train = open(path, "train").unwrap().unwrap();
            assert_eq!(train.labels, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
            assert_eq!((train.classes(), train.names.len()), (10, 10));
            assert_eq!(train.names[9], "truck");
            for (index, seed) in [(0, 0), (3, 3), (9, 9)] {
                let image = train.records.read(index).unwrap();
                assert_eq!(
                    [image.height(), image.width(), image.channels()],
                    [32, 32, 3]
                );
                // Row 2, column 1: byte 65 of each plane.
                let pixel =
                    [0, 1, 2].map(|plane| ((plane * 1024 + 65) * 7 + plane * 50 + seed) as u8);
                assert_eq!(image.values()[3 * 65..][..3], pixel);
            }
            let test = open(path, "test").unwrap().unwrap();
            assert_eq!(test.labels, [3, 4]);
            assert!(message(path, "val").contains("CIFAR has train and test"));
        }
    }

    #[test]
    fn cifar_100_has_the_fine_classes() {
        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("some-name.tgz");
        let names: String = (0..100).map(|class| format!("name{class}\n")).collect();
        let files = [
            (
                "train.bin",
                [record(&[4, 99], 5), record(&[0, 7], 6)].concat(),
            ),
            ("test.bin", record(&[19, 50], 1)),
            ("fine_label_names.txt", names.into_bytes()),
            ("coarse_label_names.txt", b"fish\n".to_vec()),
        ];
        archive(&packed, "cifar-100-binary", &files);
        let train = open(&packed, "train").unwrap().unwrap();
        assert_eq!(train.labels, [99, 7]);
        assert_eq!((train.classes(), train.names[99].as_str()), (100, "name99"));
        assert_eq!(train.records.read(1).unwrap().values()[..3], [6, 56, 106]);
    }

    #[test]
    fn what_is_broken_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("a.tar.gz");
        let mut files = files_of_ten();
        files.retain(|(name, _)| *name != "data_batch_4.bin");
        archive(&packed, "cifar-10-batches-bin", &files);
        assert!(message(&packed, "train").ends_with("data_batch_4.bin is missing"));

        let mut files = files_of_ten();
        files[0].1.truncate(4000);
        archive(&packed, "cifar-10-batches-bin", &files);
        let cut = message(&packed, "train");
        assert!(
            cut.contains("data_batch_1.bin: cut off within image 1"),
            "{cut}"
        );

        files[0].1 = record(&[10], 0);
        archive(&packed, "cifar-10-batches-bin", &files);
        assert!(message(&packed, "train").contains("image 0 has class 10"));

        let bytes = std::fs::read(&packed).unwrap();
        std::fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
        let cut = message(&packed, "train");
        assert!(cut.contains("a.tar.gz") && cut.contains("broken"), "{cut}");

        std::fs::write(&packed, "no archive at all").unwrap();
        let none = message(&packed, "train");
        assert!(none.contains("a.tar.gz"), "{none}");
        assert!(open(folder.path(), "train").unwrap().is_none());
    }
}
