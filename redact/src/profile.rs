//! What happens to which entity, compiled once for the hot path.

use std::fmt;

use crate::entity::{Entity, Kind};
use crate::limits;

/// What happens where an entity is found, in order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It passes and is counted.
    Count,
    /// It is replaced by a placeholder.
    Mask,
    /// The message that carries it is withheld from there on.
    Block,
}

/// What a profile is made of, as an operator wrote it.
#[derive(Clone, Debug, Default)]
pub struct Rules<'a> {
    /// Actions by the entity's name; `*` stands for every entity that is not named.
    pub actions: Vec<(&'a str, Action)>,
    /// Entities beside the built-in ones.
    pub custom: Vec<Custom<'a>>,
    /// Whether loopback, private and link-local addresses pass as no [`Entity::IpAddress`].
    pub ignore_private_ips: bool,
}

/// An entity that an operator defines.
#[derive(Clone, Debug, Default)]
pub struct Custom<'a> {
    /// Its name, in capitals.
    pub name: &'a str,
    /// Texts that are found as whole words, in any case.
    pub literals: Vec<&'a str>,
    /// Shapes that are found as whole words: `#` stands for a digit, `@` for a letter, `*` for
    /// either, `\` takes the special meaning of the next character away; any other character stands
    /// for itself, in any case.
    pub shapes: Vec<&'a str>,
}

/// Which entities are looked for, and what happens to each.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Of every built-in entity, then of those that it defines.
    actions: Box<[Option<Action>]>,
    /// Of the entities that it defines.
    names: Box<[Box<str>]>,
    pub(crate) wanted: u64,
    pub(crate) ignore_private_ips: bool,
    pub(crate) patterns: Vec<Pattern>,
    /// The bytes that a pattern may begin with.
    pub(crate) starts: Option<Box<[bool; 256]>>,
}

/// One literal or shape of a defined entity.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) kind: Kind,
    pub(crate) places: Box<[Place]>,
}

/// One character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Digit,
    Letter,
    Either,
    /// This byte of lower-case ASCII, or of the text as it is written.
    Is(u8),
}

/// Why rules make no profile; `path` leads from the rules to what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// The name of the entity, or of the defined entity and its pattern.
    pub path: String,
    /// What is wrong with it and what was expected.
    pub message: String,
}

// === impl Profile ===

impl Profile {
    /// Compiles rules.
    ///
    /// # Errors
    /// An entity that nobody knows, a pattern that is too short or too long, too many of either.
    pub fn new(rules: &Rules<'_>) -> Result<Self, ProfileError> {
        let mut names: Vec<Box<str>> = Vec::new();
        let mut patterns = Vec::new();
        if rules.custom.len() > limits::CUSTOM_ENTITIES {
            let (given, limit) = (rules.custom.len(), limits::CUSTOM_ENTITIES);
            return Err(ProfileError::new(
                "",
                format!("{given} defined entities, expected at most {limit}"),
            ));
        }
        for custom in &rules.custom {
            if place_of(&names, custom.name).is_some() {
                return Err(ProfileError::new(
                    custom.name,
                    "there is an entity of this name already; choose another".into(),
                ));
            }
            let kind = Entity::COUNT.saturating_add(names.len());
            let kind = Kind(u8::try_from(kind).unwrap_or(u8::MAX));
            names.push(custom.name.into());
            patterns.extend(Pattern::all(kind, custom)?);
        }
        let rest = rules
            .actions
            .iter()
            .find(|(name, _)| *name == EVERY)
            .map(|(_, action)| *action);
        let mut actions = vec![rest; Entity::COUNT.saturating_add(names.len())];
        for (name, action) in rules.actions.iter().filter(|(name, _)| *name != EVERY) {
            match place_of(&names, name).and_then(|place| actions.get_mut(place)) {
                Some(slot) => *slot = Some(*action),
                None => {
                    return Err(ProfileError::new(name, unknown(name)));
                }
            }
        }
        Ok(Self::assemble(
            names.into(),
            actions.into(),
            patterns,
            rules.ignore_private_ips,
        ))
    }

    /// Every built-in entity, masked.
    pub fn all(action: Action) -> Self {
        let actions = vec![Some(action); Entity::COUNT];
        Self::assemble(Box::default(), actions.into(), Vec::new(), false)
    }

    /// The same, with every entity at least masked: what the order `mask_all` asks for.
    #[must_use]
    pub fn mask_all(&self) -> Self {
        let stricter =
            |action: &Option<Action>| Some(action.unwrap_or(Action::Mask).max(Action::Mask));
        let actions = self.actions.iter().map(stricter).collect();
        Self::assemble(
            self.names.clone(),
            actions,
            self.patterns.clone(),
            self.ignore_private_ips,
        )
    }

    /// What happens to `kind`; `None` if nobody looks for it.
    pub fn action(&self, kind: Kind) -> Option<Action> {
        self.actions.get(kind.index()).copied().flatten()
    }

    /// The name of `kind`.
    pub fn name(&self, kind: Kind) -> &str {
        match kind.entity() {
            Some(entity) => entity.name(),
            None => {
                let place = kind.index().checked_sub(Entity::COUNT);
                place
                    .and_then(|place| self.names.get(place))
                    .map_or("PII", |name| name)
            }
        }
    }

    /// Every kind that is looked for.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let all = (0..=u8::MAX).map(Kind).take(self.actions.len());
        all.filter(|kind| self.action(*kind).is_some())
    }

    /// Whether nothing is looked for at all.
    pub fn is_idle(&self) -> bool {
        self.kinds().next().is_none()
    }

    /// Whether anything is replaced or withheld, so that what is scanned cannot simply pass.
    pub fn changes_text(&self) -> bool {
        self.actions
            .iter()
            .flatten()
            .any(|action| *action > Action::Count)
    }

    pub(crate) fn wants(&self, entity: Entity) -> bool {
        self.wanted & entity.bit() != 0
    }

    fn assemble(
        names: Box<[Box<str>]>,
        actions: Box<[Option<Action>]>,
        patterns: Vec<Pattern>,
        ignore_private_ips: bool,
    ) -> Self {
        let wanted = Entity::ALL.iter().zip(actions.iter());
        let wanted = wanted
            .filter(|(_, action)| action.is_some())
            .fold(0, |bits, (entity, _)| bits | entity.bit());
        let patterns: Vec<_> = patterns
            .into_iter()
            .filter(|pattern| {
                actions
                    .get(pattern.kind.index())
                    .is_some_and(Option::is_some)
            })
            .collect();
        let starts = (!patterns.is_empty()).then(|| {
            let mut starts = Box::new([false; 256]);
            for (byte, slot) in (0..=u8::MAX).zip(starts.iter_mut()) {
                *slot = patterns.iter().any(|pattern| {
                    pattern
                        .places
                        .first()
                        .is_some_and(|place| place.takes(byte))
                });
            }
            starts
        });
        Self {
            actions,
            names,
            wanted,
            ignore_private_ips,
            patterns,
            starts,
        }
    }
}

/// The place of an entity among the actions.
fn place_of(names: &[Box<str>], name: &str) -> Option<usize> {
    match Entity::from_name(name) {
        Some(entity) => Some(Kind::from(entity).index()),
        None => names
            .iter()
            .position(|known| **known == *name)
            .map(|place| place.saturating_add(Entity::COUNT)),
    }
}

fn unknown(name: &str) -> String {
    // The nearest known name is the likely meaning of a slip.
    let near = Entity::ALL
        .iter()
        .map(|entity| entity.name())
        .min_by_key(|known| distance(known, name));
    match near {
        Some(near) if distance(near, name) <= 3 => format!(
            "unknown entity `{name}`, expected a built-in or defined one; did you mean `{near}`?"
        ),
        _ => format!(
            "unknown entity `{name}`, expected a built-in or defined one, or `*` for all others"
        ),
    }
}

/// How many characters to put in, take out or change to get from one name to the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let change = diagonal.saturating_add(usize::from(x != y));
            diagonal = *cell;
            left = change
                .min(diagonal.saturating_add(1))
                .min(left.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

// === impl Pattern ===

impl Pattern {
    fn all(kind: Kind, custom: &Custom<'_>) -> Result<Vec<Self>, ProfileError> {
        let given = custom.literals.len().saturating_add(custom.shapes.len());
        if given == 0 || given > limits::CUSTOM_PATTERNS {
            let limit = limits::CUSTOM_PATTERNS;
            let message = format!("{given} literals and shapes, expected 1 to {limit}");
            return Err(ProfileError::new(custom.name, message));
        }
        let literals = custom
            .literals
            .iter()
            .map(|text| (*text, Place::literal(text)));
        let shapes = custom.shapes.iter().map(|text| (*text, Place::shape(text)));
        let mut patterns = Vec::with_capacity(given);
        for (text, places) in literals.chain(shapes) {
            let wrong =
                |message: String| ProfileError::new(custom.name, format!("`{text}`: {message}"));
            let sized = limits::CUSTOM_CHARS.contains(&places.len());
            if !sized {
                let (given, most, least) = (
                    places.len(),
                    limits::CUSTOM_CHARS.end(),
                    limits::CUSTOM_CHARS.start(),
                );
                return Err(wrong(format!(
                    "{given} characters, expected {least} to {most}"
                )));
            }
            let ends = [places.first(), places.last()];
            if ends.into_iter().flatten().any(|place| !place.is_word()) || !text.is_ascii() {
                return Err(wrong(
                    "expected ASCII that begins and ends with a letter or digit".into(),
                ));
            }
            patterns.push(Self { kind, places });
        }
        Ok(patterns)
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn takes(self, byte: u8) -> bool {
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::Letter => byte.is_ascii_alphabetic(),
            Self::Either => byte.is_ascii_alphanumeric(),
            Self::Is(expected) => byte.to_ascii_lowercase() == expected,
        }
    }

    fn is_word(self) -> bool {
        match self {
            Self::Digit | Self::Letter | Self::Either => true,
            Self::Is(byte) => byte.is_ascii_alphanumeric(),
        }
    }

    fn literal(text: &str) -> Box<[Self]> {
        text.bytes()
            .map(|byte| Self::Is(byte.to_ascii_lowercase()))
            .collect()
    }

    fn shape(text: &str) -> Box<[Self]> {
        let mut places = Vec::with_capacity(text.len());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            places.push(match byte {
                b'#' => Self::Digit,
                b'@' => Self::Letter,
                b'*' => Self::Either,
                b'\\' => Self::Is(bytes.next().unwrap_or(byte).to_ascii_lowercase()),
                byte => Self::Is(byte.to_ascii_lowercase()),
            });
        }
        places.into()
    }
}

// === impl ProfileError ===

impl ProfileError {
    fn new(path: &str, message: String) -> Self {
        Self {
            path: path.into(),
            message,
        }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ProfileError {}

/// The name that stands for every entity that is not named.
const EVERY: &str = "*";
