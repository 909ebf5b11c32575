//! The names to search for a network's tensors.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{Index, LONGEST, first_key};
use super::keys::KeyTable;
use super::{Dialect, Layout, Slot};

/// One way to name all tensors of a network.
pub(super) struct Naming {
    /// The name of the scheme.
    pub(super) name: &'static str,
    /// The key of each slot, in the slots' order.
    pub(super) keys: Vec<String>,
    /// Whether matrices are `[in, out]`, as in Burn, and not `[out, in]`, as in PyTorch.
    pub(super) transposed: bool,
}

/// The name of the reference's own keys.
pub(super) const REFERENCE: &str = "reference";
/// The name of our module paths, which Burn's own files use.
pub(super) const BURN: &str = "burn";
/// Most places with numbers that are compared in full.
const PLACES: usize = 32;

/// The name of the scheme with numbers instead of the outermost names.
pub(super) const NUMBERED: &str = "numbered";

/// The schemes that do not depend on the file: the reference's, Burn's and those of other projects.
pub(super) fn namings(slots: &[Slot], layout: &Layout) -> Vec<Naming> {
    let reference = slots.iter().map(|slot| slot.key.clone()).collect();
    let burn = slots.iter().map(|slot| slot.path.clone()).collect();
    let mut namings = vec![
        Naming {
            name: REFERENCE,
            keys: reference,
            transposed: false,
        },
        Naming {
            name: BURN,
            keys: burn,
            transposed: true,
        },
    ];
    for Dialect { name, rows } in layout.dialects {
        let table = KeyTable::new(rows);
        namings.push(Naming {
            name,
            keys: slots.iter().map(|slot| table.key(&slot.key)).collect(),
            transposed: false,
        });
    }
    namings
}

/// The places in a file where the outermost names of a network may have become numbers, as in
/// `nn.Sequential(*model.children())`, each with the keys there. Layers without parameters leave
/// gaps between the numbers, so the order alone counts.
pub(super) fn numbered<'a>(
    index: &Index<'a>,
    slots: &[Slot],
    layout: &Layout,
) -> Vec<(&'a str, Naming)> {
    let head = |slot: &Slot| layout.head_of(&slot.key) == Some(0);
    let plain = outermost(
        slots
            .iter()
            .filter(|slot| !head(slot) && !layout.is_aux(&slot.key)),
    );
    let aux = outermost(slots.iter().filter(|slot| layout.is_aux(&slot.key)));
    if plain.len() < 3 {
        return Vec::new();
    }
    let mut places = Vec::new();
    for (at, numbers) in children(index) {
        if numbers.len() < plain.len() || places.len() >= PLACES {
            continue;
        }
        // Layers of a head may follow. Either all auxiliary heads are at their place in the network, or none.
        let mut orders = vec![plain.clone()];
        if !aux.is_empty() && numbers.len() >= plain.len() + aux.len() {
            orders.extend((0..=plain.len()).map(|place| {
                let mut order = plain.clone();
                order.splice(place..place, aux.iter().copied());
                order
            }));
        }
        for order in orders {
            let number_of: BTreeMap<&str, u32> =
                order.iter().copied().zip(numbers.iter().copied()).collect();
            let key = |key: &str| {
                let first = first_key(key);
                match number_of.get(first) {
                    Some(number) => format!("{number}{}", &key[first.len()..]),
                    None => key.to_owned(),
                }
            };
            // Check the first layer before making all keys: most places with numbers are not a network.
            if index.find(&format!("{at}{}", key(layout.first))).is_none() {
                continue;
            }
            let naming = Naming {
                name: NUMBERED,
                keys: slots.iter().map(|slot| key(&slot.key)).collect(),
                transposed: false,
            };
            places.push((at, naming));
        }
    }
    places
}

/// The first keys of slots, without duplicates, in order.
fn outermost<'a>(slots: impl Iterator<Item = &'a Slot>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = Vec::new();
    for slot in slots {
        let key = first_key(&slot.key);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The numeric keys directly below each place of a file.
fn children<'a>(index: &Index<'a>) -> BTreeMap<&'a str, BTreeSet<u32>> {
    let mut children: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for leaf in index
        .leaves()
        .iter()
        .filter(|leaf| leaf.name.len() <= LONGEST)
    {
        let mut at = 0;
        while let Some(length) = leaf.name[at..].find('.') {
            if let Ok(number) = leaf.name[at..at + length].parse() {
                children.entry(&leaf.name[..at]).or_default().insert(number);
            }
            at += length + 1;
        }
    }
    children
}
