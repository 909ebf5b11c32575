//! TorchScript: what is special about it beside its pickle.

use crate::error::ErrorKind;
use crate::tree::Tree;
use crate::zip::Zip;

/// Refuses a frozen module, whose weights have no names.
pub(super) fn finish(zip: &Zip, folder: &str, tree: &mut Tree) -> Result<(), ErrorKind> {
    let constants = format!("{folder}constants/");
    let has_constants = zip
        .entries
        .iter()
        .any(|entry| entry.name.starts_with(&constants));
    if tree.tensors.is_empty() && has_constants {
        return Err(ErrorKind::Unsupported(
            "a frozen TorchScript, whose weights have no names; save model.state_dict(), or the \
             module before torch.jit.freeze"
                .into(),
        ));
    }
    Ok(())
}
