//! Labelled images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo_core::{Error, Pixels, Preprocess};
use image::GrayImage;

use crate::augment::Augment;
use crate::classes::Classes;
use crate::folder;
use crate::idx::{self, dataset};

/// Where the pixels are.
#[derive(Debug)]
enum Images {
    /// All in memory, `[images, height, width]` bytes of grey.
    Grey { bytes: Vec<u8>, size: [usize; 2] },
    /// One file each, decoded when needed.
    Files(Vec<PathBuf>),
}

/// All images of a folder with their classes.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    images: Images,
    labels: Vec<usize>,
    /// The folder's name of each class, where there is one.
    names: Vec<Option<String>>,
}

/// Labelled images, all or some of them: IDX files (MNIST and its like), or a folder of images
/// per class.
#[derive(Clone, Debug)]
pub struct Dataset {
    source: Arc<Source>,
    /// Which images of the source, in which order.
    indices: Vec<usize>,
}

/// How a training batch is changed at random: the changes, the run's seed and the epoch.
pub(crate) type Change<'a> = (&'a Augment, u64, usize);

impl Dataset {
    /// Opens a folder of IDX files (`train-images-idx3-ubyte` and the like, plain or `.gz`), or
    /// of class folders, in `path/split` where that exists. Class folders are mapped by name if
    /// `classes` knows them all, else numbered in sorted order.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::Dataset`], which name the file.
    pub fn open(path: &Path, split: &str, classes: &Classes) -> Result<Self, Error> {
        std::fs::metadata(path).map_err(|source| Error::Read {
            path: path.into(),
            source,
        })?;
        let prefix = if split == "test" { "t10k" } else { split };
        let source = match idx_file(path, &format!("{prefix}-images-idx3-ubyte")) {
            Some(images) => Source::idx(path, &images, prefix, classes.count())?,
            None => Source::folders(path, split, classes)?,
        };
        Ok(Self {
            indices: (0..source.labels.len()).collect(),
            source: Arc::new(source),
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is none; no data set that opened is empty, but a part may be.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The folder of a class, where classes are folders.
    pub fn class_name(&self, class: usize) -> Option<&str> {
        self.source.names.get(class)?.as_deref()
    }

    /// All but the last `count` images, and these; of class folders, about the same share of each.
    ///
    /// # Errors
    ///
    /// [`Error::Dataset`] if nothing is left to train on.
    pub fn split_last(mut self, count: usize) -> Result<(Self, Self), Error> {
        if count >= self.len() {
            let reason = format!(
                "{} images, of which {count} are to be kept back",
                self.len()
            );
            return Err(dataset(&self.source.path, reason));
        }
        let last = Self {
            source: self.source.clone(),
            indices: self.indices.split_off(self.len() - count),
        };
        Ok((self, last))
    }

    /// Images as `[indices, channels, height, width]` and labels as `[indices]`.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::Image`] of the first image that fails.
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
        self.changed_batch(indices, preprocess, None, device)
    }

    /// The same, each image changed at random.
    pub(crate) fn changed_batch(
        &self,
        indices: &[usize],
        preprocess: &Preprocess,
        change: Option<Change<'_>>,
        device: &Device,
    ) -> Result<(Tensor<4>, Tensor<1, Int>), Error> {
        let mut crops = Vec::with_capacity(indices.len());
        for &index in indices {
            let crop = self.source.crop(self.indices[index], preprocess)?;
            crops.push(match change {
                Some((augment, seed, epoch)) => augment.apply(&crop, seed, epoch, index),
                None => crop,
            });
        }
        let labels: Vec<i64> = indices
            .iter()
            .map(|&index| self.source.labels[self.indices[index]] as i64)
            .collect();
        let labels = TensorData::new(labels, [indices.len()]);
        Ok((
            preprocess.normalise(&crops, device),
            Tensor::from_data(labels, device),
        ))
    }
}

impl Source {
    fn idx(path: &Path, images: &Path, prefix: &str, classes: usize) -> Result<Self, Error> {
        let name = format!("{prefix}-labels-idx1-ubyte");
        let file = idx_file(path, &name)
            .ok_or_else(|| dataset(path, format!("{name} or {name}.gz is missing")))?;
        let (pixels, labels) = (idx::read(images)?, idx::read(&file)?);
        let &[count, height, width] = pixels.dims.as_slice() else {
            return Err(dataset(
                images,
                format!("expected 3 dimensions, not {:?}", pixels.dims),
            ));
        };
        if pixels.bytes.is_empty() || labels.dims != [count] {
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
            images: Images::Grey {
                bytes: pixels.bytes,
                size: [height, width],
            },
            labels,
            names: Vec::new(),
        })
    }

    fn folders(path: &Path, split: &str, classes: &Classes) -> Result<Self, Error> {
        let inner = path.join(split);
        let root = if inner.is_dir() { inner } else { path.into() };
        let listing = folder::list(&root)?;
        let of_folder = classes
            .of_folders(&listing)
            .map_err(|reason| dataset(&root, reason))?;
        let mut names = vec![None; classes.count()];
        for (class, name) in of_folder.iter().zip(&listing.names) {
            names[*class] = Some(name.clone());
        }
        Ok(Self {
            path: root,
            images: Images::Files(listing.files),
            labels: listing
                .labels
                .iter()
                .map(|&folder| of_folder[folder])
                .collect(),
            names,
        })
    }

    /// The crop that the network sees, in eight bits.
    fn crop(&self, index: usize, preprocess: &Preprocess) -> Result<Pixels, Error> {
        match &self.images {
            Images::Grey {
                bytes,
                size: [height, width],
            } => {
                let plane = &bytes[index * height * width..][..height * width];
                let side = |length: usize| u32::try_from(length).expect("an IDX size has 32 bits");
                let image = GrayImage::from_raw(side(*width), side(*height), plane.to_vec());
                let image = image.expect("a plane has height * width bytes");
                Ok(preprocess.crop(&image.into()))
            }
            Images::Files(files) => preprocess.read(&files[index]),
        }
    }
}

fn idx_file(folder: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}
