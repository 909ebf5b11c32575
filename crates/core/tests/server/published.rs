//! A file with a published checksum, of which only the beginning is published.

use std::io::Read as _;
use std::path::Path;

/// Where the file is published, without the host.
pub(crate) const PATH: &str = "/models/resnet18-f37072fd.pth";

/// The golden ResNet-18 as `torch.save` wrote it, with a comment at the end of the zip archive
/// that gives it the checksum `f37072fd...` which torchvision publishes for its own file: eight
/// hexadecimal digits are few enough to search for. So a test can fetch by name, and the program
/// under test checks what it always checks.
pub(crate) fn resnet18() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("tests/fixtures/checkpoints/resnet18.pth.gz"))
        .find(|path| path.exists())
        .unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    let comment = b"0000000119c5439a";
    let length = bytes.len() - 2;
    bytes[length..].copy_from_slice(&(comment.len() as u16).to_le_bytes());
    bytes.extend(comment);
    bytes
}
