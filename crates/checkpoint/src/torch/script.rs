//! TorchScript: everything except its pickle.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::ErrorKind;
use crate::tree::{Classes, Tree};
use crate::zip::Zip;

/// The longest code file, and the longest total, in bytes.
const CODE: u64 = 4 << 20;
const ALL_CODE: u64 = 16 << 20;

/// The parameters and buffers of each class, from the lists in its code. Other tensors are plain
/// attributes.
pub(super) fn classes(zip: &Zip, folder: &str) -> Result<Classes, ErrorKind> {
    let mut classes = Classes::new();
    let mut left = ALL_CODE.min(zip.source.len() * 4 + CODE);
    for entry in &zip.entries {
        let module = entry
            .name
            .strip_prefix(folder)
            .and_then(|name| name.strip_suffix(".py"));
        let (Some(module), true) = (module, entry.size <= CODE) else {
            continue;
        };
        let Some(rest) = left.checked_sub(entry.size) else {
            break;
        };
        left = rest;
        let code = zip.read(entry, CODE)?;
        let module = module.replace('/', ".");
        read_code(&String::from_utf8_lossy(&code), &module, &mut classes);
    }
    Ok(classes)
}

fn read_code(code: &str, module: &str, classes: &mut Classes) {
    let mut class: Option<(Arc<str>, HashSet<Box<str>>)> = None;
    for line in code.lines() {
        if let Some(rest) = line.strip_prefix("class ") {
            let name = rest.split(['(', ':']).next().unwrap_or_default();
            let finished = class.replace((format!("{module}.{name}").into(), HashSet::new()));
            classes.extend(finished.map(|(name, names)| (name, Arc::new(names))));
        }
        let list = line.trim_start();
        let list = list
            .strip_prefix("__parameters__ = [")
            .or_else(|| list.strip_prefix("__buffers__ = ["));
        if let (Some(list), Some((_, names))) = (list, &mut class) {
            let items = list.trim_end_matches(']').split(',').map(str::trim);
            let items = items.filter_map(|item| item.strip_prefix('"')?.strip_suffix('"'));
            names.extend(items.map(Into::into));
        }
    }
    classes.extend(class.map(|(name, names)| (name, Arc::new(names))));
}

/// Refuses a frozen module, whose weights have no names.
pub(super) fn check(zip: &Zip, folder: &str, tree: &Tree) -> Result<(), ErrorKind> {
    let constants = format!("{folder}constants/");
    let has_constants = zip
        .entries
        .iter()
        .any(|entry| entry.name.starts_with(&constants));
    if tree.tensors.is_empty() && has_constants {
        return Err(ErrorKind::Unsupported(
            "a frozen TorchScript module, whose weights have no names; save model.state_dict(), or the \
             module before torch.jit.freeze"
                .into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_names_parameters_and_buffers() {
        let code = "class A(Module):\n  __parameters__ = [\"weight\", \"bias\", ]\n  \
                    __buffers__ = [\"mean\", ]\n  plain : Tensor\nclass B(Module):\n  \
                    __parameters__ = []\n";
        let mut classes = Classes::new();
        read_code(code, "__torch__.m", &mut classes);
        let mut names: Vec<_> = classes["__torch__.m.A"]
            .iter()
            .map(|name| &**name)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["bias", "mean", "weight"]);
        assert!(classes["__torch__.m.B"].is_empty());
    }
}
