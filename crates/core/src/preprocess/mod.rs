//! What an image goes through before a network sees it.
//!
//! The steps are torchvision's on a Pillow image: decode to RGB or gray, resize, crop the center, scale the values,
//! order the channels, subtract the mean and divide by the standard deviation. Eight-bit crops equal Pillow's, which
//! the tests check.

#[cfg(feature = "avif")]
mod avif;
mod color;
mod crop;
mod decode;
mod endings;
mod fewbits;
mod gif;
#[cfg(feature = "avif")]
mod heif;
mod icon;
mod jpeg;
mod kinds;
mod normalise;
mod options;
mod overrides;
mod pixels;
mod pnm;
mod resize;
mod sample;
mod size;
mod tags;
mod tiff;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use image::DynamicImage;
use serde::{Deserialize, Serialize};

use crate::Error;
pub use endings::{IMAGE_ENDINGS, is_hidden, is_image};
pub use options::{Antialias, ChannelOrder, Interpolation, Orientation, ValueRange};
pub use overrides::PreprocessOverrides;
pub use pixels::Pixels;
pub use size::Resize;

/// What an image goes through before a network sees it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Size of the resize.
    pub resize: Resize,
    /// `[height, width]` of the center crop, in pixels. If it is larger than the resized image, black is added on both
    /// sides, with an odd pixel after the image, as in torchvision's `CenterCrop`.
    pub crop: [usize; 2],
    /// Filter of the resize.
    pub interpolation: Interpolation,
    /// Whether the filter widens when an image shrinks.
    #[serde(default)]
    pub antialias: Antialias,
    /// 3, or 1 for grey.
    pub channels: usize,
    /// Order of three channels.
    pub order: ChannelOrder,
    /// What black and white become.
    pub range: ValueRange,
    /// Subtracted from values in `range`, one for each channel in `order`; the first alone where
    /// there is one channel.
    pub mean: [f32; 3],
    /// Divides what is left, as `mean`.
    pub std: [f32; 3],
    /// Whether EXIF data turn the image.
    #[serde(default)]
    pub orientation: Orientation,
}

impl Preprocess {
    /// torchvision's first recipe for ImageNet.
    pub const IMAGENET: Self = Self {
        resize: Resize::Shorter(256),
        crop: [224, 224],
        interpolation: Interpolation::Bilinear,
        antialias: Antialias::On,
        channels: 3,
        order: ChannelOrder::Rgb,
        range: ValueRange::Unit,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        orientation: Orientation::Keep,
    };

    /// 32x32 pixels, by CIFAR-10's statistics.
    pub const CIFAR: Self = Self {
        resize: Resize::Shorter(32),
        crop: [32, 32],
        mean: [0.4914, 0.4822, 0.4465],
        std: [0.2470, 0.2435, 0.2616],
        ..Self::IMAGENET
    };

    /// 28x28 grey pixels, by MNIST's statistics.
    pub const GREY: Self = Self {
        resize: Resize::Shorter(28),
        crop: [28, 28],
        channels: 1,
        mean: [0.1307; 3],
        std: [0.3081; 3],
        ..Self::IMAGENET
    };

    /// Reads the image file at `path`, `[1, channels, height, width]`. Its format is told from
    /// its content: JPEG, PNG, WebP, BMP, GIF, TIFF, PPM, PGM, PBM, TGA or ICO,
    /// and with the feature `avif` AVIF. A file with several images yields the
    /// first one, an icon the largest.
    ///
    /// # Errors
    ///
    /// As [`Preprocess::read`].
    pub fn open(&self, path: impl AsRef<Path>, device: &Device) -> Result<Tensor<4>, Error> {
        Ok(self.normalise(&[self.read(path)?], device))
    }

    /// As [`Preprocess::open`], from the `bytes` of a file; errors call it `name`.
    ///
    /// # Errors
    ///
    /// [`Error::Image`] if the bytes are no whole image or a size or the number of channels asked
    /// for is impossible.
    pub fn decode(&self, name: &str, bytes: &[u8], device: &Device) -> Result<Tensor<4>, Error> {
        Ok(self.normalise(&[self.crop_of(name, bytes)?], device))
    }

    /// As [`Preprocess::open`], from an image in memory, `[1, channels, height, width]`.
    ///
    /// # Panics
    ///
    /// If the image or a size asked for is empty or `channels` is neither 1 nor 3.
    pub fn image(&self, image: &DynamicImage, device: &Device) -> Tensor<4> {
        self.normalise(&[self.crop(image)], device)
    }

    /// Reads several files, `[paths, channels, height, width]`.
    ///
    /// # Errors
    ///
    /// As [`Preprocess::read`], of the first file that fails; [`Error::Image`] if there is none.
    pub fn batch(&self, paths: &[PathBuf], device: &Device) -> Result<Tensor<4>, Error> {
        if paths.is_empty() {
            let reason = "a batch needs at least one image".to_owned();
            return Err(Error::Image {
                name: "(none)".to_owned(),
                reason,
            });
        }
        let crops: Result<Vec<_>, _> = paths.iter().map(|path| self.read(path)).collect();
        Ok(self.normalise(&crops?, device))
    }

    /// The first half of [`Preprocess::open`]: the eight-bit crop of the image file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Image`] if it is no whole image or
    /// a size or the number of channels asked for is impossible.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Pixels, Error> {
        let path = path.as_ref();
        self.crop_of(&path.display().to_string(), &bytes_of(path)?)
    }

    /// The eight-bit crop of an image in memory, before its values are scaled.
    ///
    /// # Panics
    ///
    /// If the image or a size asked for is empty or `channels` is neither 1 nor 3.
    pub fn crop(&self, image: &DynamicImage) -> Pixels {
        assert!(
            image.width() > 0 && image.height() > 0,
            "the image has no pixels"
        );
        self.centre(&Pixels::of(image, self.channels))
    }

    /// The whole image file at `path`, before the resize, with as many channels as asked for.
    ///
    /// # Errors
    ///
    /// As [`Preprocess::read`].
    pub fn pixels(&self, path: impl AsRef<Path>) -> Result<Pixels, Error> {
        let path = path.as_ref();
        self.pixels_of(&path.display().to_string(), &bytes_of(path)?)
    }

    /// As [`Preprocess::crop`], from pixels in memory.
    ///
    /// # Panics
    ///
    /// If a size asked for is empty or `channels` is neither 1 nor 3.
    pub fn centre(&self, image: &Pixels) -> Pixels {
        if let Err(reason) = self.check() {
            panic!("{reason}");
        }
        crop::resized_centre(self, image)
    }

    /// Ten crops of the resized image, as torchvision's `TenCrop` has them and Krizhevsky,
    /// Sutskever and Hinton 2012 (section 4.1) average them: the corners from top left to bottom
    /// right, the centre, and the five of the mirrored image.
    ///
    /// # Panics
    ///
    /// As [`Preprocess::centre`], and if the crop is larger than the resized image.
    pub fn ten_crops(&self, image: &Pixels) -> [Pixels; 10] {
        if let Err(reason) = self.check() {
            panic!("{reason}");
        }
        crop::ten(self, image)
    }

    /// The second half: crops of one size to `[crops, channels, height, width]`, scaled, in
    /// order, less the mean, over the standard deviation.
    ///
    /// # Panics
    ///
    /// If there is no crop or their sizes or channels differ from each other or from these.
    pub fn normalise(&self, crops: &[Pixels], device: &Device) -> Tensor<4> {
        let size = |crop: &Pixels| [crop.channels, crop.height, crop.width];
        let [channels, height, width] = size(crops.first().expect("a batch has images"));
        let mut values = Vec::new();
        for crop in crops {
            assert_eq!(
                size(crop),
                [self.channels, height, width],
                "images of one batch have one size"
            );
            normalise::planes(self, crop, &mut values);
        }
        let data = TensorData::new(values, [crops.len(), channels, height, width]);
        Tensor::from_data(data, device)
    }

    /// The last half for one image: its planes, one a channel, after those in `values`.
    ///
    /// # Panics
    ///
    /// If it does not have `channels` channels.
    pub fn planes(&self, crop: &Pixels, values: &mut Vec<f32>) {
        assert_eq!(crop.channels, self.channels, "channels of an image");
        normalise::planes(self, crop, values);
    }

    fn crop_of(&self, name: &str, bytes: &[u8]) -> Result<Pixels, Error> {
        Ok(self.centre(&self.pixels_of(name, bytes)?))
    }

    fn pixels_of(&self, name: &str, bytes: &[u8]) -> Result<Pixels, Error> {
        let pixels = self
            .check()
            .and_then(|()| decode::decode(bytes, self.orientation, self.channels));
        pixels.map_err(|reason| Error::Image {
            name: name.to_owned(),
            reason,
        })
    }

    /// Checks that the settings are possible.
    ///
    /// # Errors
    ///
    /// The impossible setting: an empty size, a number of channels other than 1 and 3, or a filter that needs
    /// antialiasing without it.
    pub fn check(&self) -> Result<(), String> {
        let Self {
            resize,
            crop: [height, width],
            channels,
            ..
        } = *self;
        if resize.sides().contains(&0) || height == 0 || width == 0 {
            return Err(format!(
                "preprocessing to {resize} pixels and a crop of {height}x{width} leaves nothing; \
                 sizes start at 1"
            ));
        }
        let plain = !matches!(
            self.interpolation,
            Interpolation::Lanczos | Interpolation::Area
        );
        if self.antialias == Antialias::Off && !plain {
            return Err(
                "lanczos and area always antialias; with antialias off, choose nearest, bilinear or \
                 bicubic"
                    .to_owned(),
            );
        }
        if channels != 1 && channels != 3 {
            return Err(format!(
                "preprocessing gives 1 or 3 channels, not {channels}"
            ));
        }
        Ok(())
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}
