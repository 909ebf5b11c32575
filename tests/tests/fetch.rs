//! From a name over the network to the golden logits.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../../crates/core/tests/server/published.rs"]
mod published;
#[path = "../../crates/core/tests/server/mod.rs"]
mod server;

use burn::tensor::Device;
use burn_zoo::fetch::{Cache, Fetcher, Network};
use burn_zoo::{Adapt, Classifier as _};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::relative_error;
use server::{Reply, Server};

#[test]
fn a_name_gives_the_golden_logits_over_a_connection_that_breaks() {
    let (folder, bytes) = (tempfile::tempdir().unwrap(), published::resnet18());
    let size = bytes.len();
    let server = Server::start(move |request, number| {
        let reply = Reply::file(&bytes, "v1", request);
        match number {
            0 => reply.cut_after(size / 2),
            _ => reply,
        }
    });
    let online = Fetcher {
        mirror: Some(server.base.clone()),
        ..Fetcher::new(Cache::new(folder.path()))
    };
    let offline = Fetcher {
        network: Network::Offline,
        ..online.clone()
    };
    let (device, golden) = (Device::flex(), Golden::read("resnet18"));
    // The second time from the cache.
    for fetcher in [online, offline] {
        let name = "resnet18.tv_in1k";
        let model =
            burn_zoo::pretrained_with(name, &Adapt::default(), &fetcher, &mut |_| (), &device)
                .unwrap();
        let logits = values(model.network.forward(golden.input(&device)));
        let error = relative_error(&logits, &golden.output);
        // f32 sums in another order over 18 layers.
        assert!(error < 1e-4, "logits differ by {error}");
    }
    assert_eq!(server.sent(), size);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].path, published::PATH);
    assert_eq!(seen[1].from(), size / 2);
}
