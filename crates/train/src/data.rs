//! Labelled images.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo_core::{ChannelOrder, Error, Preprocess, ValueRange};

use crate::augment::Augment;
use crate::folder;
use crate::idx::{self, dataset};

/// Where the pixels are.
#[derive(Clone, Debug)]
enum Images {
    /// All in memory, `[images, height, width]` bytes of grey.
    Grey { bytes: Vec<u8>, size: [usize; 2] },
    /// One file each, decoded when needed.
    Files(Vec<PathBuf>),
}

/// Labelled images: IDX files (MNIST and its like), or a folder of images per class.
#[derive(Clone, Debug)]
pub struct Dataset {
    path: PathBuf,
    images: Images,
    labels: Vec<usize>,
    names: Vec<String>,
}

/// How a training batch is changed at random: the changes, the run's seed and the epoch.
pub(crate) type Change<'a> = (&'a Augment, u64, usize);

impl Dataset {
    /// Opens a folder of IDX files (`train-images-idx3-ubyte` and the like, plain or `.gz`), or
    /// of class folders, in `path/split` where that exists. Classes are numbered in sorted order.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::Dataset`], which name the file.
    pub fn open(path: &Path, split: &str, classes: usize) -> Result<Self, Error> {
        std::fs::metadata(path).map_err(|source| Error::Read {
            path: path.into(),
            source,
        })?;
        let prefix = if split == "test" { "t10k" } else { split };
        match idx_file(path, &format!("{prefix}-images-idx3-ubyte")) {
            Some(images) => Self::idx(path, &images, prefix, classes),
            None => Self::folders(path, split, classes),
        }
    }

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
        if count == 0 || labels.dims != [count] {
            let reason = format!("{:?} labels for {count} images", labels.dims);
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

    fn folders(path: &Path, split: &str, classes: usize) -> Result<Self, Error> {
        let inner = path.join(split);
        let root = if inner.is_dir() { inner } else { path.into() };
        let listing = folder::list(&root)?;
        if listing.names.len() != classes {
            let reason = format!(
                "{} folders of classes, but the model has {classes} classes",
                listing.names.len()
            );
            return Err(dataset(&root, reason));
        }
        Ok(Self {
            path: root,
            images: Images::Files(listing.files),
            labels: listing.labels,
            names: listing.names,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none; no data set that opened is empty, but a part may be.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The folder of a class, where classes are folders.
    pub fn class_name(&self, class: usize) -> Option<&str> {
        self.names.get(class).map(String::as_str)
    }

    /// All but the last `count` images, and these.
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
            return Err(dataset(&self.path, reason));
        }
        let first = self.len() - count;
        let images = match &mut self.images {
            Images::Grey { bytes, size } => Images::Grey {
                bytes: bytes.split_off(first * size[0] * size[1]),
                size: *size,
            },
            Images::Files(files) => Images::Files(files.split_off(first)),
        };
        let labels = self.labels.split_off(first);
        let last = Self {
            path: self.path.clone(),
            images,
            labels,
            names: self.names.clone(),
        };
        Ok((self, last))
    }

    /// The true classes of some images.
    pub(crate) fn labels(&self, indices: &[usize]) -> Vec<usize> {
        indices.iter().map(|&index| self.labels[index]).collect()
    }

    /// Images as `[indices, channels, height, width]` and labels as `[indices]`.
    pub(crate) fn batch(
        &self,
        indices: &[usize],
        preprocess: &Preprocess,
        change: Option<Change<'_>>,
        device: &Device,
    ) -> Result<(Tensor<4>, Tensor<1, Int>), Error> {
        let (mut values, mut shape) = (Vec::new(), [0; 3]);
        for &index in indices {
            let (pixels, found) = self.pixels(index, preprocess)?;
            let pixels = match change {
                Some((augment, seed, epoch)) => augment.apply(&pixels, found, seed, epoch, index),
                None => pixels,
            };
            shape = found;
            normalise(&mut values, &pixels, found, preprocess);
        }
        let [channels, height, width] = shape;
        let data = TensorData::new(values, [indices.len(), channels, height, width]);
        let labels: Vec<i64> = self
            .labels(indices)
            .into_iter()
            .map(|label| label as i64)
            .collect();
        let labels = TensorData::new(labels, [indices.len()]);
        Ok((
            Tensor::from_data(data, device),
            Tensor::from_data(labels, device),
        ))
    }

    /// Bytes of one image, `[channels, height, width]`.
    fn pixels(
        &self,
        index: usize,
        preprocess: &Preprocess,
    ) -> Result<(Vec<u8>, [usize; 3]), Error> {
        match &self.images {
            Images::Grey {
                bytes,
                size: [height, width],
            } => {
                let plane = &bytes[index * height * width..][..height * width];
                Ok((
                    plane.repeat(preprocess.channels),
                    [preprocess.channels, *height, *width],
                ))
            }
            Images::Files(files) => {
                let path = &files[index];
                let fail = |error: image::ImageError| Error::Image {
                    name: path.display().to_string(),
                    reason: error.to_string(),
                };
                let reader = image::ImageReader::open(path)
                    .and_then(image::ImageReader::with_guessed_format)
                    .map_err(|source| Error::Read {
                        path: path.clone(),
                        source,
                    })?;
                let crop = preprocess.crop(&reader.decode().map_err(fail)?);
                let (channels, interleaved) = (preprocess.channels, crop.as_bytes());
                let planes = (0..channels)
                    .flat_map(|channel| interleaved.iter().skip(channel).step_by(channels).copied())
                    .collect();
                Ok((
                    planes,
                    [channels, crop.height() as usize, crop.width() as usize],
                ))
            }
        }
    }
}

fn idx_file(folder: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// Appends `(value - mean) / std`, plane by plane.
fn normalise(values: &mut Vec<f32>, pixels: &[u8], shape: [usize; 3], recipe: &Preprocess) {
    let [channels, height, width] = shape;
    let scale = match recipe.range {
        ValueRange::Unit => 255.0,
        ValueRange::Byte => 1.0,
    };
    for channel in 0..channels {
        let source = match recipe.order {
            ChannelOrder::Rgb => channel,
            ChannelOrder::Bgr => channels - 1 - channel,
        };
        let plane = &pixels[source * height * width..][..height * width];
        let (mean, std) = (recipe.mean[channel], recipe.std[channel]);
        values.extend(
            plane
                .iter()
                .map(|&byte| (f32::from(byte) / scale - mean) / std),
        );
    }
}
