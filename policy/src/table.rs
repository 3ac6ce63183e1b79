//! A hash table by bytes, for the hot path.

use memchr::arch::all::is_equal;
use rustc_hash::FxHashMap;

/// Values by bytes; the bytes come from requests, the entries from the operator, so nobody outside
/// can make entries collide.
///
/// One hash map from bytes to places serves every type of value: each further type of map would
/// make the filter larger by 3 KB.
#[derive(Clone, Debug)]
pub struct Table<V> {
    /// Bit n: some key has n bytes, counted modulo 64. Spares hashing most of what is not here.
    lengths: u64,
    places: FxHashMap<Box<[u8]>, usize>,
    /// The first few keys once more: a handful is compared sooner than it is hashed.
    first: Vec<Box<[u8]>>,
    values: Vec<V>,
}

// === impl Table ===

impl<V> Table<V> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value at `key`.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        if self.lengths & length_bit(key) == 0 {
            return None;
        }
        let place = match self.values.len() <= FEW {
            true => self.first.iter().position(|first| is_equal(first, key))?,
            false => *self.places.get(key)?,
        };
        self.values.get(place)
    }

    /// The value at `key`, put there by `make` if there is none.
    #[expect(
        clippy::indexing_slicing,
        reason = "a place is noted when its value is pushed, and values are never removed"
    )]
    pub fn get_or_insert_with(&mut self, key: &[u8], make: impl FnOnce() -> V) -> &mut V {
        match self.places.get(key) {
            Some(place) => &mut self.values[*place],
            None => {
                self.lengths |= length_bit(key);
                self.places.insert(key.into(), self.values.len());
                if self.first.len() < FEW {
                    self.first.push(key.into());
                }
                self.values.push_mut(make())
            }
        }
    }

    /// The entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        let places = self.places.iter();
        places.filter_map(|(key, place)| Some((&**key, self.values.get(*place)?)))
    }
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            lengths: 0,
            places: FxHashMap::default(),
            first: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<V: PartialEq> PartialEq for Table<V> {
    fn eq(&self, other: &Self) -> bool {
        let mut entries = self.iter();
        self.len() == other.len() && entries.all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<V: Eq> Eq for Table<V> {}

/// More than this are hashed.
const FEW: usize = 8;

fn length_bit(key: &[u8]) -> u64 {
    1 << (key.len() % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let mut table = Table::default();
        for (place, key) in ["", "a", "b", "a"].into_iter().enumerate() {
            table.get_or_insert_with(key.as_bytes(), || place);
        }
        assert_eq!(table.len(), 3);
        assert_eq!(
            (
                table.get(b""),
                table.get(b"a"),
                table.get(b"b"),
                table.get(b"c")
            ),
            (Some(&0), Some(&1), Some(&2), None)
        );
    }

    #[test]
    fn lengths_that_share_a_bit_are_told_apart() {
        let mut table = Table::default();
        table.get_or_insert_with(&[b'a'; 64], || 64);
        assert_eq!((table.get(&[b'a'; 64]), table.get(b"")), (Some(&64), None));
        assert_eq!(table.get(&[b'a'; 128]), None);
    }

    #[test]
    fn many_are_found_as_few_are() {
        let mut table = Table::default();
        let keys: Vec<String> = (0..3 * FEW).map(|n| format!("key-{n:03}")).collect();
        for (n, key) in keys.iter().enumerate() {
            table.get_or_insert_with(key.as_bytes(), || n);
            for (place, known) in keys.iter().enumerate() {
                let expected = (place <= n).then_some(&place);
                assert_eq!(
                    table.get(known.as_bytes()),
                    expected,
                    "{known} of {}",
                    n + 1
                );
            }
        }
        assert_eq!(table.get(b"key-999"), None);
    }

    #[test]
    fn equal_tables_need_not_be_built_alike() {
        let table = |keys: [&str; 2]| {
            let mut table = Table::default();
            for key in keys {
                table.get_or_insert_with(key.as_bytes(), || key.len());
            }
            table
        };
        assert_eq!(table(["a", "bb"]), table(["bb", "a"]));
        assert_ne!(table(["a", "bb"]), table(["a", "cc"]));
    }
}
