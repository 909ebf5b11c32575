//! The metadata of a checkpoint: class names and preprocessing.

use std::collections::VecDeque;

use burn_zoo_checkpoint::{Dict, Value};

use super::Checkpoint;
use crate::{Interpolation, Preprocess, Resize, ValueRange};

/// Most dictionaries to visit, and their greatest depth.
const DICTIONARIES: usize = 2_000;
const DEPTH: usize = 5;
/// Plausible sides of images, in pixels.
const SIDES: std::ops::RangeInclusive<i64> = 8..=4096;
/// A dictionary with more tensors than this holds weights.
const SETTINGS: usize = 3;
/// Most classes that are plausible.
const CLASSES: usize = 100_000;

/// Common keys of class names.
const LABELS: [&str; 12] = [
    "class_names",
    "classes",
    "class_to_idx",
    "idx_to_class",
    "label_names",
    "labels",
    "categories",
    "id2label",
    "label2id",
    "idx2class",
    "class2idx",
    "class_labels",
];
/// Common keys of the network's image size.
const SIZES: [&str; 8] = [
    "img_size",
    "image_size",
    "input_size",
    "imgsz",
    "im_size",
    "crop_size",
    "image_shape",
    "resolution",
];
const MEANS: [&str; 6] = [
    "mean",
    "means",
    "pixel_mean",
    "image_mean",
    "norm_mean",
    "img_mean",
];
const STDS: [&str; 6] = [
    "std",
    "stds",
    "pixel_std",
    "image_std",
    "norm_std",
    "img_std",
];
/// Words in the names of training dictionaries, which use these keys for other things.
const NOT_ABOUT_IMAGES: [&str; 4] = ["optim", "scheduler", "scaler", "metric"];

/// The metadata of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Said {
    /// Names of the classes, in order.
    pub labels: Option<Vec<String>>,
    /// `[height, width]` of the network's images, in pixels.
    pub image_size: Option<[usize; 2]>,
    /// Mean of each channel.
    pub mean: Option<[f32; 3]>,
    /// Standard deviation of each channel.
    pub std: Option<[f32; 3]>,
    /// Resize filter.
    pub interpolation: Option<Interpolation>,
    /// Side of the crop divided by that of the resized image.
    pub crop_share: Option<f64>,
    /// Whether classes are independent, so that each probability is a sigmoid.
    pub multi_label: bool,
}

impl Checkpoint {
    /// The file's metadata, from any dictionary. If several have an entry, the one closest to the root
    /// counts.
    pub fn said(&self) -> Said {
        let mut said = Said::default();
        let header = self.header();
        let roots = [&header, self.root()].into_iter();
        let mut queue: VecDeque<(&Dict, usize)> = roots
            .filter_map(|root| Some((root.as_dict()?, 0)))
            .collect();
        let mut seen = 0;
        while let Some((dictionary, depth)) = queue.pop_front() {
            seen += 1;
            if seen > DICTIONARIES {
                break;
            }
            said.hear(self, dictionary);
            if depth == DEPTH {
                continue;
            }
            for (key, value) in dictionary.items() {
                let key = key.to_lowercase();
                let training = NOT_ABOUT_IMAGES.iter().any(|word| key.contains(word));
                if let (Value::Dict(below), false) = (value, training) {
                    queue.push_back((below, depth + 1));
                }
            }
        }
        said
    }
}

impl Said {
    /// Whether it says anything about preprocessing.
    pub fn prepares_images(&self) -> bool {
        self.image_size.is_some()
            || self.mean.is_some()
            || self.interpolation.is_some()
            || self.crop_share.is_some()
    }

    /// The preprocessing `usual` with the values that the file gives. The ratio of the crop to the
    /// resized image does not change, unless the file gives it.
    pub fn preprocess(&self, usual: Preprocess) -> Preprocess {
        let mut it = usual;
        let side = |crop: [usize; 2]| crop[0].min(crop[1]) as f64;
        let size = self.image_size.unwrap_or(usual.crop);
        if let (Resize::Shorter(resize), true) = (
            usual.resize,
            self.crop_share.is_some() || size != usual.crop,
        ) {
            let share = match self.crop_share {
                Some(share) => 1.0 / share,
                None => resize as f64 / side(usual.crop),
            };
            it.resize = Resize::Shorter((side(size) * share) as usize);
        }
        it.crop = size;
        if let (Some(mean), Some(std)) = (self.mean, self.std) {
            (it.mean, it.std) = (mean, std);
            let bytes = mean.iter().chain(&std).any(|value| *value > 2.0);
            it.range = if bytes {
                ValueRange::Byte
            } else {
                ValueRange::Unit
            };
        }
        it.interpolation = self.interpolation.unwrap_or(it.interpolation);
        it
    }

    /// Takes the values from a dictionary that no earlier one had.
    fn hear(&mut self, checkpoint: &Checkpoint, dictionary: &Dict) {
        let named = |names: &[&str]| {
            let mut items = dictionary.items();
            items
                .find(|(key, _)| names.contains(&key.to_lowercase().as_str()))
                .map(|(_, value)| value)
        };
        if self.labels.is_none() {
            let lists = dictionary.items().filter(|(key, _)| {
                let key = key.to_lowercase();
                LABELS.contains(&key.as_str())
            });
            self.labels = { lists }.find_map(|(_, value)| labels(value));
        }
        if self.image_size.is_none() {
            self.image_size = named(&SIZES).and_then(size);
        }
        if self.mean.is_none() {
            // Tensors among weights belong to the network, which may normalize its input itself.
            let tensors = dictionary.pairs().iter();
            let tensors = tensors
                .filter(|(_, value)| matches!(value, Value::Tensor(_)))
                .count();
            let settings = tensors <= SETTINGS && dictionary.class().is_none();
            let triple = |value: &Value| match value {
                Value::Tensor(_) if !settings => None,
                _ => triple(checkpoint, value),
            };
            let [mean, std] = [named(&MEANS), named(&STDS)].map(|value| triple(value?));
            if let (Some(mean), Some(std)) = (mean, std)
                && std.iter().all(|value| *value > 0.0)
            {
                (self.mean, self.std) = (Some(mean), Some(std));
            }
        }
        if self.interpolation.is_none() {
            self.interpolation = named(&["interpolation", "resample"]).and_then(interpolation);
        }
        if self.crop_share.is_none() {
            let share = named(&["crop_pct", "crop_share"]).and_then(Value::as_f64);
            self.crop_share = share.filter(|share| (0.05..=1.0).contains(share));
        }
        let independent = matches!(
            named(&["multi_label", "multilabel"]),
            Some(Value::Bool(true))
        ) || named(&["problem_type"]).and_then(Value::as_str)
            == Some("multi_label_classification");
        self.multi_label |= independent;
    }
}

/// Class names in order, from a list, a map from names to numbers, or a map from numbers to names.
fn labels(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(list) = value.as_list() {
        let names = list.iter().take(CLASSES + 1).map(|item| text(&item));
        let names: Option<Vec<_>> = names.collect();
        return names.filter(|names| !names.is_empty() && names.len() <= CLASSES);
    }
    let pairs = value.as_dict()?.pairs();
    let number = |value: &Value| match value {
        Value::Int(number) => usize::try_from(*number).ok(),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let mut names = vec![None; pairs.len().min(CLASSES)];
    for (key, value) in pairs {
        // `{"cat": 0}` or `{0: "cat"}`. If both are numbers, the value is the class.
        let (name, number) = match (key, value) {
            (key, Value::Int(_)) => (text(key)?, number(value)?),
            (key, Value::Text(_)) => (text(value)?, number(key)?),
            _ => return None,
        };
        *names.get_mut(number)? = Some(name);
    }
    let names: Option<Vec<String>> = names.into_iter().collect();
    names.filter(|names| !names.is_empty())
}

/// A side, `[height, width]` or `[channels, height, width]`.
fn size(value: &Value) -> Option<[usize; 2]> {
    let side = |value: &Value| {
        let side = value.as_i64().filter(|side| SIDES.contains(side))?;
        usize::try_from(side).ok()
    };
    if let Some(side) = side(value) {
        return Some([side; 2]);
    }
    let list: Vec<Value> = value.as_list()?.iter().take(4).collect();
    match &list[..] {
        [height, width] | [_, height, width] => Some([side(height)?, side(width)?]),
        _ => None,
    }
}

/// One number per channel, from one or three numbers or a tensor of them.
fn triple(checkpoint: &Checkpoint, value: &Value) -> Option<[f32; 3]> {
    let numbers: Vec<f64> = match value {
        Value::Tensor(number) => checkpoint.numbers(*number)?,
        _ => match value.as_f64() {
            Some(one) => vec![one],
            None => {
                let list = value.as_list()?.iter().take(4);
                list.map(|item| item.as_f64()).collect::<Option<_>>()?
            }
        },
    };
    let numbers: Vec<f32> = numbers.iter().map(|number| *number as f32).collect();
    match numbers[..] {
        _ if numbers.iter().any(|number| !number.is_finite()) => None,
        [one] => Some([one; 3]),
        [red, green, blue] => Some([red, green, blue]),
        _ => None,
    }
}

/// A filter by its name, with or without the name of its library, or by Pillow's number.
fn interpolation(value: &Value) -> Option<Interpolation> {
    if let Some(number) = value.as_i64() {
        return match number {
            0 => Some(Interpolation::Nearest),
            1 => Some(Interpolation::Lanczos),
            2 => Some(Interpolation::Bilinear),
            3 => Some(Interpolation::Bicubic),
            4 => Some(Interpolation::Area),
            _ => None,
        };
    }
    let name = value.as_str()?.to_lowercase();
    match name.rsplit(['.', '_']).next()? {
        "nearest" => Some(Interpolation::Nearest),
        "lanczos" => Some(Interpolation::Lanczos),
        "bilinear" => Some(Interpolation::Bilinear),
        "bicubic" => Some(Interpolation::Bicubic),
        "area" | "box" => Some(Interpolation::Area),
        _ => None,
    }
}
