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
/// Common keys of dictionaries of settings.
const SETTINGS_OF: [&str; 16] = [
    "args",
    "opt",
    "options",
    "config",
    "cfg",
    "conf",
    "hparams",
    "hyper_parameters",
    "params",
    "meta",
    "metadata",
    "settings",
    "data_config",
    "pretrained_cfg",
    "default_cfg",
    "preprocess",
];
/// Keys that mean something else outside of settings.
const AMBIGUOUS: [&str; 2] = ["input_size", "resolution"];
/// A dictionary with more tensors than this holds weights.
const SETTINGS: usize = 3;
/// Smallest plausible standard deviation of pixels.
const LEAST_STD: f32 = 0.05;
/// Most classes that are plausible.
const CLASSES: usize = 100_000;

/// Common keys of class names.
const LABELS: [&str; 18] = [
    "classnames",
    "names",
    "idx_to_label",
    "label_map",
    "class_map",
    "label_to_idx",
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
    /// Names of the classes, in order; the first list of names if the file has several.
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
    /// Every list that may be the class names.
    lists: Vec<Vec<String>>,
}

/// A dictionary, its key, and its depth.
type Step<'a> = (&'a Dict, String, usize);

impl Checkpoint {
    /// The file's metadata, from any dictionary. If several have an entry, the one closest to the root
    /// counts.
    pub fn said(&self) -> Said {
        let mut said = Said::default();
        let header = self.header();
        let roots = [&header, self.root()].into_iter();
        let mut queue: VecDeque<Step<'_>> = roots
            .filter_map(|root| Some((root.as_dict()?, String::new(), 0)))
            .collect();
        let mut seen = 0;
        while let Some((dictionary, at, depth)) = queue.pop_front() {
            seen += 1;
            if seen > DICTIONARIES {
                break;
            }
            said.hear(
                self,
                dictionary,
                depth == 0 || SETTINGS_OF.contains(&at.as_str()),
            );
            if depth == DEPTH {
                continue;
            }
            // Settings for evaluation take precedence over those for training.
            let evaluation = |key: &str| ["val", "valid", "test", "eval"].contains(&key);
            let mut items: Vec<_> = dictionary
                .items()
                .map(|(key, value)| (key.to_lowercase(), value))
                .collect();
            items.sort_by_key(|(key, _)| !evaluation(key));
            for (key, value) in items {
                let training = NOT_ABOUT_IMAGES.iter().any(|word| key.contains(word));
                if let (Value::Dict(below), false) = (value, training) {
                    queue.push_back((below, key, depth + 1));
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
            // timm: the floor of `size / crop_pct`.
            let resize = match self.crop_share {
                Some(share) => side(size) / share,
                None => side(size) * resize as f64 / side(usual.crop),
            };
            it.resize = Resize::Shorter(resize as usize);
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

    /// The same as names and values for a file's header, from which [`Checkpoint::said`] reads them back.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let json = |value: serde_json::Value| value.to_string();
        let facts = [
            (
                "burn_zoo.class_names",
                self.labels
                    .as_ref()
                    .map(|labels| json(labels.clone().into())),
            ),
            (
                "burn_zoo.image_size",
                self.image_size.map(|size| json(size.to_vec().into())),
            ),
            (
                "burn_zoo.mean",
                self.mean.map(|mean| json(mean.to_vec().into())),
            ),
            (
                "burn_zoo.std",
                self.std.map(|std| json(std.to_vec().into())),
            ),
            (
                "burn_zoo.interpolation",
                self.interpolation
                    .map(|filter| format!("{filter:?}").to_lowercase()),
            ),
            (
                "burn_zoo.crop_pct",
                self.crop_share.map(|share| share.to_string()),
            ),
            (
                "burn_zoo.multi_label",
                self.multi_label.then(|| true.to_string()),
            ),
        ];
        let facts = facts.into_iter();
        facts
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// The same, with the list of names whose length is the number of classes, if there is one.
    #[must_use]
    pub fn for_classes(mut self, classes: usize) -> Self {
        // A single output decides between two classes.
        let fits = |list: &&Vec<String>| list.len() == classes || (classes == 1 && list.len() == 2);
        if let Some(list) = self.lists.iter().find(fits) {
            self.labels = Some(list.clone());
        }
        self
    }

    /// Takes the values from a dictionary that no earlier one had. In a dictionary of settings
    /// (`is_settings`) an ambiguous value such as `input_size` or a single mean counts, too.
    fn hear(&mut self, checkpoint: &Checkpoint, dictionary: &Dict, is_settings: bool) {
        let named = |names: &'static [&'static str]| {
            dictionary.items().filter_map(move |(key, value)| {
                let key = key.to_lowercase();
                names.contains(&key.as_str()).then_some((key, value))
            })
        };
        let lists = named(&LABELS).filter_map(|(key, value)| labels(&key, value));
        self.lists.extend(lists);
        self.labels = self.labels.take().or_else(|| self.lists.first().cloned());
        // In a description of layers `input_size` is not the size of an image.
        let of_layers = [
            "hidden_layers",
            "hidden_size",
            "hidden_sizes",
            "output_size",
            "hidden_units",
        ];
        let of_layers = of_layers.iter().any(|key| dictionary.get(key).is_some());
        let mut sizes = named(&SIZES).filter_map(|(key, value)| {
            let is_list = value.as_list().is_some();
            let ambiguous = AMBIGUOUS.contains(&key.as_str());
            let meant = !ambiguous || is_list || (is_settings && !of_layers);
            size(value).filter(|_| meant)
        });
        let image_size = sizes.next();
        self.image_size = self.image_size.or(image_size);
        let share = named(&["crop_pct", "crop_share"]).find_map(|(_, value)| value.as_f64());
        self.crop_share = self
            .crop_share
            .or(share.filter(|share| (0.05..=1.0).contains(share)));
        let filter =
            named(&["interpolation", "resample"]).find_map(|(_, value)| interpolation(value));
        self.interpolation = self.interpolation.or(filter);

        if self.mean.is_none() {
            // Tensors among weights belong to the network, which may normalize its input itself.
            let tensors = dictionary.pairs().iter();
            let tensors = tensors
                .filter(|(_, value)| matches!(value, Value::Tensor(_)))
                .count();
            let may_be_tensor = tensors <= SETTINGS && dictionary.class().is_none();
            // A single number counts only next to settings of images: metrics have means, too.
            let may_be_one = is_settings || image_size.is_some() || filter.is_some();
            let statistic = |names| {
                named(names).find_map(|(key, value)| match value {
                    Value::Tensor(_) if !may_be_tensor => None,
                    _ if value.as_f64().is_some() && !may_be_one && !key.contains('_') => None,
                    _ => triple(checkpoint, value),
                })
            };
            if let (Some(mean), Some(std)) = (statistic(&MEANS), statistic(&STDS))
                // A smaller one is that of an initializer.
                && std.iter().all(|value| *value >= LEAST_STD)
            {
                (self.mean, self.std) = (Some(mean), Some(std));
            }
        }
        self.multi_label |= named(&["multi_label", "multilabel"])
            .any(|(_, value)| matches!(value, Value::Bool(true) | Value::Int(1)));
        self.multi_label |= named(&["problem_type"])
            .any(|(_, value)| value.as_str() == Some("multi_label_classification"));
    }
}

/// Class names in order, from a list, a map from names to numbers, or a map from numbers to names.
fn labels(key: &str, value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(list) = value.as_list() {
        // Numbers under this key are the labels of samples.
        let numbers = list.get(0).is_some_and(|first| first.as_i64().is_some());
        if numbers && key == "labels" {
            return None;
        }
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
    let by_number = ["idx", "id2"].iter().any(|start| key.starts_with(start));
    let mut names = vec![None; pairs.len().min(CLASSES)];
    for (key, value) in pairs {
        // `{"cat": 0}` or `{0: "cat"}`. If both are numbers, the key of the map decides.
        let (name, number) = match (key, value) {
            (Value::Int(number), Value::Int(_)) if by_number => {
                (text(value)?, usize::try_from(*number).ok()?)
            }
            (key, Value::Int(_)) => (text(key)?, number(value)?),
            (key, Value::Text(_)) => (text(value)?, number(key)?),
            _ => return None,
        };
        *names.get_mut(number)? = Some(name);
    }
    let names: Option<Vec<String>> = names.into_iter().collect();
    names.filter(|names| !names.is_empty())
}

/// One side, `[height, width]`, `[channels, height, width]`, `[height, width, channels]`, or a map with
/// `height` and `width` or `shortest_edge`.
fn size(value: &Value) -> Option<[usize; 2]> {
    let side = |value: &Value| {
        let number = match value {
            Value::Text(text) => text.parse().ok()?,
            Value::Float(number) if number.fract() == 0.0 => *number as i64,
            _ => value.as_i64()?,
        };
        usize::try_from(number)
            .ok()
            .filter(|_| SIDES.contains(&number))
    };
    if let Some(side) = side(value) {
        return Some([side; 2]);
    }
    if let Some(sizes) = value.as_dict() {
        let of = |names: [&str; 2]| names.iter().find_map(|name| side(sizes.get(name)?));
        let short = of(["shortest_edge", "size"]).map(|side| [side; 2]);
        return short.or_else(|| Some([of(["height", "h"])?, of(["width", "w"])?]));
    }
    let list: Vec<Value> = value.as_list()?.iter().take(4).collect();
    match &list[..] {
        [one] => side(one).map(|side| [side; 2]),
        [height, width] => Some([side(height)?, side(width)?]),
        [height, width, Value::Int(1 | 3)] => Some([side(height)?, side(width)?]),
        [_, height, width] => Some([side(height)?, side(width)?]),
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
