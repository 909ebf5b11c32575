//! Training on several devices, against one that is given the whole of each batch.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use burn_zoo_tests::digits::few_digits;
use burn_zoo_tests::training::{run_of, train, untrained};
use burn_zoo_train::Recipe;

/// What is drawn at random comes from one stream for the whole process.
static RUNNING: Mutex<()> = Mutex::new(());

/// 40 images in batches of 12: the last, of 4, does not reach the third device of three.
fn losses(folder: &Path, output: &str, model: &str, devices: &[Device]) -> Vec<[f64; 3]> {
    let text = format!(
        r#"
        model = "{model}"
        classes = 10
        channels = 1
        epochs = 2
        batch = 12
        seed = 3
        output = {:?}
        [data]
        path = {folder:?}
        valid = 8
        [optimizer]
        lr = 0.05
        [schedule]
        decay = "constant"
        "#,
        folder.join(output),
    );
    let _alone = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let recipe = Recipe::parse("test", &text, &[]).unwrap();
    let device = Device::flex();
    let network = untrained(&recipe, &device).unwrap();
    let report = train(network, run_of(&recipe).unwrap(), devices, |_| {}).unwrap();
    let row = |epoch: &burn_zoo_train::EpochReport| {
        [
            epoch.train_loss,
            epoch.valid_loss.unwrap(),
            epoch.top1.unwrap(),
        ]
    };
    report.epochs.iter().map(row).collect()
}

#[track_caller]
fn close(found: &[[f64; 3]], expected: &[[f64; 3]], limit: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        let difference = (found - expected).abs() / expected.abs().max(1.0);
        assert!(difference < limit, "{found} is not {expected}");
    }
}

#[test]
fn slices_of_a_batch_have_the_losses_of_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 48);
    // Networks without batch norm.
    let train =
        |output: &str, devices: &[Device]| losses(folder.path(), output, "highway_fc3", devices);
    let one = train("one", &[Device::flex()]);
    assert!(one[1][0] < one[0][0], "it learns: {one:?}");
    for count in [2, 3] {
        let devices = vec![Device::flex(); count];
        close(&train(&format!("of-{count}"), &devices), &one, 1e-5);
    }
}

#[test]
fn batch_norms_on_several_devices_keep_their_statistics() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 48);
    let devices = vec![Device::flex(); 2];
    let two = losses(folder.path(), "two", "resnet20_cifar", &devices);
    let one = losses(folder.path(), "one", "resnet20_cifar", &devices[..1]);
    // Norms see slices, so that losses are alike and not the same.
    for epoch in two.iter().chain(&one) {
        assert!(epoch[0].is_finite() && epoch[1].is_finite(), "{epoch:?}");
    }
    let difference = (two[0][0] - one[0][0]).abs() / one[0][0];
    assert!(difference > 1e-6 && difference < 0.3, "{two:?} {one:?}");
}

/// Two servers on loopback, each with a device of this process.
#[cfg(feature = "remote")]
#[test]
fn two_remote_devices_have_the_losses_of_one_device() {
    use burn::remote::RemoteHost;
    use burn::server::{RemoteServer, WebSocketTransport};

    let remote = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = RemoteHost::websocket(&format!("ws://{}", listener.local_addr().unwrap()));
        std::thread::spawn(move || {
            RemoteServer::new([Device::flex()]).serve(WebSocketTransport::from_listener(listener))
        });
        Device::remote_options(&host).init().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 48);
    let one = losses(folder.path(), "one", "highway_fc3", &[Device::flex()]);
    let two = losses(folder.path(), "two", "highway_fc3", &[remote(), remote()]);
    close(&two, &one, 1e-3);
}
