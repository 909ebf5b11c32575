//! Labelled images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo_core::{Error, Pixels, Preprocess};

use crate::cifar;
use crate::classes::Classes;
use crate::folder;
use crate::idx::{self, dataset};
use crate::random::Random;
use crate::records::Records;

/// Names of splits, those to evaluate on first.
const SPLITS: [&str; 5] = ["test", "val", "valid", "validation", "train"];

/// Where the pixels are.
#[derive(Debug)]
enum Images {
    /// Uncompressed in a file, read when needed.
    Raw(Records),
    /// One file each, decoded when needed.
    Files(Vec<PathBuf>),
}

/// All images of a folder with their classes.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    images: Images,
    labels: Vec<usize>,
    /// Number of classes.
    classes: usize,
    /// The data set's name of each class, where there is one.
    names: Vec<Option<String>>,
    /// The first class folder without images.
    empty: Option<PathBuf>,
}

/// Labelled images, all or some of them: IDX files (MNIST and its like), CIFAR's binary files, or
/// a folder of images per class. Pixels stay in their files until a batch needs them.
#[derive(Clone, Debug)]
pub struct Dataset {
    source: Arc<Source>,
    /// Which images of the source, in which order.
    indices: Vec<usize>,
}

impl Dataset {
    /// Opens a folder of IDX files (`train-images-idx3-ubyte` and the like, plain or `.gz`), of
    /// CIFAR's binary version (an archive or unpacked), or of class folders, in `path/split` where
    /// that exists. Class folders are matched with the names in `classes`, or by number (see [`Classes`]); if it
    /// has no names, they are numbered in sorted order. Images in folders below a class folder belong to the class,
    /// and a class may have no images.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::Dataset`], which name the file.
    pub fn open(path: &Path, split: &str, classes: &Classes) -> Result<Self, Error> {
        Self::opened(path, split, Some(classes))
    }

    /// Same as [`Dataset::open`], for training, with the number of classes in the data.
    ///
    /// # Errors
    ///
    /// Also [`Error::Dataset`] for IDX files, which do not give it, and for a class folder without images.
    pub fn open_whole(path: &Path, split: &str) -> Result<Self, Error> {
        Self::opened(path, split, None)?.with_images_of_every_folder()
    }

    /// An error if a class folder has no images to train on.
    pub(crate) fn with_images_of_every_folder(self) -> Result<Self, Error> {
        match &self.source.empty {
            Some(folder) => Err(folder::without_images(folder)),
            None => Ok(self),
        }
    }

    fn opened(path: &Path, split: &str, classes: Option<&Classes>) -> Result<Self, Error> {
        let count = classes.map(Classes::count);
        std::fs::metadata(path).map_err(|source| Error::Read {
            path: path.into(),
            source,
        })?;
        let prefix = idx_prefix(split);
        let source = match idx_file(path, prefix, "images", 3) {
            Some(images) => Source::idx(path, &images, prefix, count)?,
            None => match cifar::open(path, split)? {
                Some(found) => Source::cifar(path, found, count)?,
                None => Source::folders(path, split, classes)?,
            },
        };
        Ok(Self {
            indices: (0..source.labels.len()).collect(),
            source: Arc::new(source),
        })
    }

    /// The split of a data set to evaluate on where none is named: `test`, or of class folders
    /// the first there is of `test`, `val`, `valid`, `validation` and `train`.
    pub fn usual_split(path: &Path) -> &'static str {
        let there = |split: &&&str| path.join(split).is_dir();
        SPLITS.iter().find(there).unwrap_or(&"test")
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is none; no data set that opened is empty, but a part may be.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Number of classes, of which some may have no image.
    pub fn num_classes(&self) -> usize {
        self.source.classes
    }

    /// The data set's name of a class, which is its folder's where classes are folders.
    pub fn class_name(&self, class: usize) -> Option<&str> {
        self.source.names.get(class)?.as_deref()
    }

    /// The folder or file that the images are from.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Whether its images are the files in class folders of `folder` itself, not of a split in it.
    pub fn is_in_folder(&self, folder: &Path) -> bool {
        matches!(self.source.images, Images::Files(_)) && self.path() == folder
    }

    /// The class of an image.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Dataset::len`].
    pub fn label(&self, index: usize) -> usize {
        self.source.labels[self.indices[index]]
    }

    /// Calls `visit` with each image in order: its class, and what its file is called in the data set's
    /// folder, or its place in a file of many.
    pub(crate) fn each(&self, mut visit: impl FnMut(usize, &str)) {
        for &index in &self.indices {
            let name = match &self.source.images {
                Images::Raw(_) => index.to_string(),
                Images::Files(files) => {
                    let file = &files[index];
                    let inner = file.strip_prefix(&self.source.path).unwrap_or(file);
                    // Windows has another mark between folders.
                    inner.to_string_lossy().replace('\\', "/")
                }
            };
            visit(self.source.labels[index], &name);
        }
    }

    /// The names of all classes that have one, for another split whose folders must be the same.
    pub(crate) fn classes(&self) -> Classes {
        let names = (0..self.num_classes()).map(|class| self.class_name(class).map(str::to_owned));
        Classes::named(names.map(|name| name.into_iter().collect()).collect())
    }

    /// Keeps `count` images back, of each class as large a share as of all, and returns the rest
    /// and these; which ones is a function of `seed`.
    ///
    /// # Errors
    ///
    /// [`Error::Dataset`] if nothing is left to train on.
    pub fn hold_out(self, count: usize, seed: u64) -> Result<(Self, Self), Error> {
        let all = self.len();
        if count >= all {
            let reason = format!("{all} images, of which {count} are to be kept back");
            return Err(dataset(&self.source.path, reason));
        }
        let mut of_class: Vec<Vec<usize>> = Vec::new();
        for index in 0..all {
            let label = self.label(index);
            of_class.resize_with(of_class.len().max(label + 1), Vec::new);
            of_class[label].push(index);
        }
        // Whole shares first, then one more where the largest parts were cut off.
        let mut rests: Vec<(usize, usize)> = of_class
            .iter()
            .enumerate()
            .map(|(class, images)| (count * images.len() % all, class))
            .collect();
        rests.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut quotas: Vec<usize> = of_class
            .iter()
            .map(|images| count * images.len() / all)
            .collect();
        let missing = count - quotas.iter().sum::<usize>();
        for &(_, class) in &rests[..missing] {
            quotas[class] += 1;
        }
        let mut held = vec![false; all];
        for (class, (images, quota)) in of_class.iter().zip(quotas).enumerate() {
            let order = Random::new(seed, 0, class as u64).permutation(images.len());
            for &place in &order[..quota] {
                held[images[place]] = true;
            }
        }
        let part = |wanted: bool| Self {
            source: self.source.clone(),
            indices: (0..all)
                .filter(|&index| held[index] == wanted)
                .map(|index| self.indices[index])
                .collect(),
        };
        Ok((part(false), part(true)))
    }

    /// Images as `[indices, channels, height, width]` and labels as `[indices]`.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], [`Error::Image`] and [`Error::Dataset`] of the first image that fails.
    ///
    /// # Panics
    ///
    /// If there is no index or one is not below [`Dataset::len`].
    pub fn batch(
        &self,
        indices: &[usize],
        preprocess: &Preprocess,
        device: &Device,
    ) -> Result<(Tensor<4>, Tensor<1, Int>), Error> {
        let crop = |&index| Ok(preprocess.centre(&self.pixels(index, preprocess)?));
        let crops = indices.iter().map(crop).collect::<Result<Vec<_>, _>>()?;
        let labels: Vec<i64> = indices
            .iter()
            .map(|&index| self.label(index) as i64)
            .collect();
        let labels = TensorData::new(labels, [indices.len()]);
        Ok((
            preprocess.normalise(&crops, device),
            Tensor::from_data(labels, device),
        ))
    }

    /// A whole image, with as many channels as asked for.
    pub(crate) fn pixels(&self, index: usize, preprocess: &Preprocess) -> Result<Pixels, Error> {
        let index = self.indices[index];
        match &self.source.images {
            Images::Raw(records) => Ok(records.read(index)?.with_channels(preprocess.channels)),
            Images::Files(files) => preprocess.pixels(&files[index]),
        }
    }
}

impl Source {
    fn idx(
        path: &Path,
        images: &Path,
        prefix: &str,
        classes: Option<usize>,
    ) -> Result<Self, Error> {
        let classes = classes.ok_or_else(|| {
            let reason = "IDX files do not tell how many classes there are; the recipe must, as \
                          classes = 10";
            dataset(path, reason.to_owned())
        })?;
        let file = idx_file(path, prefix, "labels", 1).ok_or_else(|| {
            let name = format!("{prefix}-labels-idx1-ubyte");
            dataset(path, format!("{name} or {name}.gz is missing"))
        })?;
        let (pixels, labels) = (idx::images(images)?, idx::read(&file)?);
        let count: usize = pixels.parts.iter().map(|part| part.count).sum();
        if labels.dims != [count] {
            let [height, width] = pixels.size;
            let reason = format!(
                "{:?} labels for {count} images of {height}x{width} pixels",
                labels.dims
            );
            return Err(dataset(&file, reason));
        }
        let labels: Vec<usize> = labels.bytes.into_iter().map(usize::from).collect();
        if let Some(label) = labels.iter().find(|&&label| label >= classes) {
            let reason = format!("label {label} in it, but the model has {classes} classes");
            return Err(dataset(&file, reason));
        }
        Ok(Self {
            path: path.into(),
            images: Images::Raw(pixels),
            labels,
            classes,
            names: Vec::new(),
            empty: None,
        })
    }

    fn cifar(path: &Path, found: cifar::Cifar, wanted: Option<usize>) -> Result<Self, Error> {
        let classes = found.classes();
        if let Some(wanted) = wanted.filter(|&wanted| wanted != classes) {
            let reason = format!("{classes} classes, but the model has {wanted}");
            return Err(dataset(path, reason));
        }
        Ok(Self {
            path: path.into(),
            images: Images::Raw(found.records),
            labels: found.labels,
            classes,
            names: found.names.into_iter().map(Some).collect(),
            empty: None,
        })
    }

    fn folders(path: &Path, split: &str, classes: Option<&Classes>) -> Result<Self, Error> {
        let inner = path.join(split);
        let root = if inner.is_dir() {
            inner
        } else {
            unsplit(path, split)?;
            path.into()
        };
        let listing = folder::list(&root)?;
        let all = Classes::unnamed(listing.names.len());
        let classes = classes.unwrap_or(&all);
        let of_folder = classes
            .of_folders(&listing)
            .map_err(|reason| dataset(&root, reason))?;
        let mut names = vec![None; classes.count()];
        for (class, name) in of_folder.iter().zip(&listing.names) {
            if let Some(class) = class {
                names[*class] = Some(name.clone());
            }
        }
        let labels = listing
            .labels
            .iter()
            .filter_map(|&folder| of_folder[folder]);
        Ok(Self {
            labels: labels.collect(),
            empty: listing.empty().map(|name| root.join(name)),
            path: root,
            images: Images::Files(listing.files),
            classes: classes.count(),
            names,
        })
    }
}

/// An error if a folder is divided in splits, but not in this one: they are no classes.
fn unsplit(path: &Path, split: &str) -> Result<(), Error> {
    let folders = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .count()
    };
    let there: Vec<_> = SPLITS
        .into_iter()
        .filter(|split| {
            folders(&path.join(split)) > 0
                || idx_file(path, idx_prefix(split), "images", 3).is_some()
        })
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let reason = format!("no split {split} in it; there is {}", there.join(", "));
    Err(dataset(path, reason))
}

/// What IDX files of a split begin with, by MNIST's names.
fn idx_prefix(split: &str) -> &str {
    if split == "test" { "t10k" } else { split }
}

/// `train-images-idx3-ubyte` in the forms in which it is passed around.
fn idx_file(folder: &Path, prefix: &str, what: &str, rank: usize) -> Option<PathBuf> {
    let names = ["-", "."].map(|mark| format!("{prefix}-{what}{mark}idx{rank}-ubyte"));
    names
        .into_iter()
        .flat_map(|name| [name.clone(), format!("{name}.gz")])
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Grey images of one pixel, each as bright as its number, in two IDX files.
    pub(crate) fn pixels(folder: &Path, labels: &[u8]) -> Dataset {
        let count = u8::try_from(labels.len()).unwrap();
        let images: Vec<u8> = (0..count).collect();
        let head = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 1];
        std::fs::write(
            folder.join("train-images-idx3-ubyte"),
            [&head[..], &images].concat(),
        )
        .unwrap();
        let head = [0, 0, 8, 1, 0, 0, 0, count];
        std::fs::write(
            folder.join("train-labels-idx1-ubyte"),
            [&head[..], labels].concat(),
        )
        .unwrap();
        Dataset::open(folder, "train", &Classes::unnamed(labels.len())).unwrap()
    }

    fn labels(dataset: &Dataset) -> Vec<usize> {
        (0..dataset.len())
            .map(|index| dataset.label(index))
            .collect()
    }

    #[test]
    fn a_part_is_kept_back_of_each_class_and_by_the_seed() {
        let folder = tempfile::tempdir().unwrap();
        // 60 of class 0, 30 of class 1, 10 of class 2.
        let classes: Vec<u8> = (0..100)
            .map(|index| u8::from(index % 10 > 5) + u8::from(index % 10 > 8))
            .collect();
        let all = pixels(folder.path(), &classes);
        let split = |count, seed| all.clone().hold_out(count, seed).unwrap();
        let (rest, held) = split(10, 1);
        let count = |dataset: &Dataset, class| {
            labels(dataset)
                .iter()
                .filter(|&&found| found == class)
                .count()
        };
        assert_eq!([0, 1, 2].map(|class| count(&held, class)), [6, 3, 1]);
        assert_eq!([0, 1, 2].map(|class| count(&rest, class)), [54, 27, 9]);
        let mut both = [held.indices.clone(), rest.indices].concat();
        both.sort_unstable();
        assert_eq!(both, (0..100).collect::<Vec<_>>());
        assert_eq!(split(10, 1).1.indices, held.indices);
        assert_ne!(split(10, 2).1.indices, held.indices);
        // Quotas of 4.2, 2.1 and 0.7.
        assert_eq!(
            [0, 1, 2].map(|class| count(&split(7, 1).1, class)),
            [4, 2, 1]
        );
        assert_eq!(split(0, 1).1.len(), 0);
        let other = Dataset::open(folder.path(), "val", &Classes::unnamed(3));
        let message = other.unwrap_err().to_string();
        assert!(
            message.contains("no split val in it; there is train"),
            "{message}"
        );
        let none = all.hold_out(100, 1).unwrap_err().to_string();
        assert!(none.contains("100 images, of which 100"), "{none}");
    }

    #[test]
    fn a_split_that_is_not_there_is_no_class() {
        let folder = tempfile::tempdir().unwrap();
        for split in ["train", "val"] {
            let class = folder.path().join(split).join("cat");
            std::fs::create_dir_all(&class).unwrap();
            std::fs::write(class.join("1.png"), "").unwrap();
        }
        let open = |split| Dataset::open(folder.path(), split, &Classes::unnamed(1));
        assert_eq!(open("val").unwrap().len(), 1);
        let message = open("test").unwrap_err().to_string();
        assert!(
            message.contains("no split test in it; there is val, train"),
            "{message}"
        );
        assert_eq!(Dataset::usual_split(folder.path()), "val");
        let class = folder.path().join("train");
        let inner = Dataset::open(&class, "test", &Classes::unnamed(1)).unwrap();
        assert_eq!(inner.class_name(0), Some("cat"));
    }
}
