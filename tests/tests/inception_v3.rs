//! What a file of Inception v3 does not tell.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo::inception_v3::{InceptionV3, InceptionV3Config, PoolPadding};
use burn_zoo::{Classifier, Pretrained as _};
use burn_zoo_tests::golden::{Golden, values};

fn model(name: &str, config: &InceptionV3Config, device: &Device) -> InceptionV3 {
    let model = config.init(device);
    let layout = model.layout();
    let checkpoint = Golden::read(name).checkpoint(name);
    checkpoint.fill(model, "inception_v3", &layout).unwrap()
}

#[test]
fn pools_that_do_not_count_padding_divide_by_what_is_there() {
    let device = Device::flex();
    let name = "inception_v3";
    let counted = InceptionV3Config::new();
    let not_counted = InceptionV3Config::new().with_pool_padding(PoolPadding::NotCounted);
    let input = Golden::read(name).input(&device);
    let [first, second] = [counted, not_counted].map(|config| {
        let maps = model(name, &config, &device).features(input.clone());
        let stage = maps.into_iter().find(|stage| stage.name == "mixed_5b");
        stage.unwrap().map
    });
    let differs = (first - second).abs().max_dim(1).reshape([35, 35]);
    let differs = values(differs);
    for (pixel, difference) in differs.iter().enumerate() {
        let [row, column] = [pixel / 35, pixel % 35];
        let border = [row, column].iter().any(|place| [0, 34].contains(place));
        assert_eq!(
            *difference > 1e-3,
            border,
            "at {row}, {column}: {difference}"
        );
    }
}
