//! A plan allocates nothing while it runs but its output.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::alloc::System;

use burn::tensor::{Device, Tensor};
use burn_zoo_engine::Compile;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Ten logits in a Burn tensor, the images' handle, and what rayon keeps per job; an activation
/// of this network is 65,536 bytes.
const OVERHEAD: usize = 16_384;

#[test]
fn running_allocates_no_activation() {
    let device = Device::flex();
    let model = burn_zoo::pretrained("resnet20_cifar.digits", &device).unwrap();
    let plan = model.compile([1, 1, 28, 28]).unwrap();
    let images = Tensor::<4>::zeros([1, 1, 28, 28], &device);
    plan.run(images.clone()).unwrap();
    let region = Region::new(ALLOCATOR);
    plan.run(images.clone()).unwrap();
    let compiled = region.change().bytes_allocated;
    assert!(compiled < OVERHEAD, "{compiled} bytes");

    use burn_zoo::Classifier as _;
    let region = Region::new(ALLOCATOR);
    model.forward(images);
    let plain = region.change().bytes_allocated;
    assert!(
        plain > 20 * OVERHEAD,
        "the plain module allocates {plain} bytes"
    );
}
