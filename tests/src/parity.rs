//! A network in inference against everything that its golden file says.

use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo::Classifier;
use burn_zoo::weights::Slot;

use crate::golden::{Golden, values};
use crate::{relative_error, statistics};

/// f32 sums in another order over up to 152 layers.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;

/// The reference's names of outputs and ours, where they differ.
const STAGES: [(&str, &[&str]); 44] = [
    // torchvision's and timm's residual networks, and the CIFAR ones.
    ("maxpool", &["conv1"]),
    ("layer1", &["conv2_x", "stage1"]),
    ("layer2", &["conv3_x", "stage2"]),
    ("layer3", &["conv4_x", "stage3"]),
    ("layer4", &["conv5_x"]),
    ("avgpool", &[POOLED]),
    ("global_pool", &[POOLED]),
    // torchvision's GoogLeNet and Inception v3.
    ("maxpool2", &["maxpool2", "maxpool_5a_3x3"]),
    ("inception3a", &["inception_3a"]),
    ("inception3b", &["inception_3b"]),
    ("inception4a", &["inception_4a"]),
    ("inception4e", &["inception_4e"]),
    ("inception5b", &["inception_5b"]),
    ("Conv2d_1a_3x3", &["conv2d_1a_3x3"]),
    ("Mixed_5b", &["mixed_5b"]),
    ("Mixed_5d", &["mixed_5d"]),
    ("Mixed_6a", &["mixed_6a"]),
    ("Mixed_6e", &["mixed_6e"]),
    ("Mixed_7a", &["mixed_7a"]),
    ("Mixed_7c", &["mixed_7c"]),
    // Inception v2.
    ("stages.3a", &["inception_3a"]),
    ("stages.3b", &["inception_3b"]),
    ("stages.3c", &["inception_3c"]),
    ("stages.4a", &["inception_4a"]),
    ("stages.4b", &["inception_4b"]),
    ("stages.4c", &["inception_4c"]),
    ("stages.4d", &["inception_4d"]),
    ("stages.4e", &["inception_4e"]),
    ("stages.5a", &["inception_5a"]),
    ("stages.5b", &["inception_5b"]),
    // timm's Inception-v4.
    ("features.3", &["stem_1"]),
    ("features.4", &["stem_2"]),
    ("features.5", &["stem_3"]),
    ("features.9", &["inception_a"]),
    ("features.10", &["reduction_a"]),
    ("features.17", &["inception_b"]),
    ("features.18", &["reduction_b"]),
    ("features.21", &["inception_c"]),
    // timm's Inception-ResNet-v2.
    ("maxpool_5a", &["stem"]),
    ("repeat", &["inception_resnet_a"]),
    ("mixed_6a", &["reduction_a", "mixed_6a"]),
    ("repeat_1", &["inception_resnet_b"]),
    ("mixed_7a", &["reduction_b", "mixed_7a"]),
    ("repeat_2", &["inception_resnet_c"]),
];

const POOLED: &str = "pooled";

/// Keys, shapes, parameters and multiply-accumulates to the digit; logits and recorded
/// activations as near as f32 allows.
///
/// # Panics
///
/// If anything differs.
pub fn check<M: Classifier>(name: &str, golden: &Golden, model: &M, slots: Vec<Slot>) {
    check_with(name, golden, model, slots, golden.input(&Device::flex()));
}

/// As [`check`] for an `input` that went through something first.
///
/// # Panics
///
/// If anything differs.
pub fn check_with<M: Classifier>(
    name: &str,
    golden: &Golden,
    model: &M,
    slots: Vec<Slot>,
    input: Tensor<4>,
) {
    let mut keys: Vec<_> = slots
        .into_iter()
        .map(|slot| (slot.key, slot.shape))
        .collect();
    let mut expected = golden.keys();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected, "{name}: keys and shapes");

    let [_, _, height, width] = golden.input_shape;
    let summary = burn_zoo_graph::summarise(model, height, width).expect("the golden input fits");
    assert_eq!(
        summary.params + summary.params_aux,
        golden.parameters,
        "{name}: parameters"
    );
    assert_eq!(summary.macs, golden.macs, "{name}: multiply-accumulates");

    let error = relative_error(&values(model.forward(input.clone())), &golden.output);
    println!("{name}: logits differ by {error:.1e}");
    assert!(error < LOGITS, "{name}: logits differ by {error}");
    activations(name, golden, model, input);
}

fn activations<M: Classifier>(name: &str, golden: &Golden, model: &M, input: Tensor<4>) {
    let maps = model.features(input.clone());
    for (tap, expected) in &golden.activations {
        let known = STAGES.iter().find(|(theirs, _)| theirs == tap);
        let same = [tap.as_str()];
        let ours = known.map_or(&same[..], |(_, ours)| ours);
        let (dims, found) = if ours == [POOLED] {
            let pooled = model.pooled(input.clone());
            (pooled.dims().to_vec(), values(pooled))
        } else {
            let map = maps.iter().find(|map| ours.contains(&map.name.as_ref()));
            let map = &map
                .unwrap_or_else(|| panic!("{name} has no stage {tap}"))
                .map;
            (map.dims().to_vec(), values(map.clone()))
        };
        // A vector may be a map of one pixel.
        let ones = |dims: &[usize]| dims.iter().all(|&size| size == 1);
        let shared = dims.len().min(expected.shape.len());
        assert_eq!(dims[..shared], expected.shape[..shared], "{name}: {tap}");
        assert!(ones(&dims[shared..]) && ones(&expected.shape[shared..]));

        let (mean, std) = statistics(&found);
        let worst = (mean - expected.mean).abs().max((std - expected.std).abs()) / expected.std;
        assert!(
            worst < ACTIVATIONS,
            "{name}: {tap} differs by {worst} standard deviations"
        );
    }
}

/// torchvision's `transform_input`, per channel: from ImageNet's statistics to 0.5 and 0.5. In
/// burn-zoo this is a row of preprocessing.
pub fn transform_input(images: Tensor<4>) -> Tensor<4> {
    let channel = |values: [f32; 3]| {
        let values = TensorData::new(values.to_vec(), [1, 3, 1, 1]);
        Tensor::<4>::from_data(values, &images.device())
    };
    let mean = channel([0.485, 0.456, 0.406]);
    let std = channel([0.229, 0.224, 0.225]);
    images * (std / 0.5) + (mean - 0.5) / 0.5
}
