//! Lists of entities as they are typed: `EMAIL_ADDRESS,IP_ADDRESS`, `all,-IP_ADDRESS`.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use breakglass_redact::{Action, Entity, Kind, Profile, Rules};

/// The profile that masks the entities of `list`. A name after `-` is taken out of those before it;
/// a list that begins so takes it out of all.
///
/// # Errors
/// A name that nobody knows, with the nearest one; a list that leaves nothing.
pub(crate) fn profile(list: &str) -> Result<Profile> {
    let mut chosen = BTreeSet::new();
    for (place, item) in list.split(',').map(str::trim).enumerate() {
        let (without, name) = match item.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, item),
        };
        let named = match name {
            "*" | "all" => Entity::ALL.to_vec(),
            name => vec![entity(name)?],
        };
        if without && place == 0 {
            chosen.extend(Entity::ALL);
        }
        match without {
            true => chosen.retain(|entity| !named.contains(entity)),
            false => chosen.extend(named),
        }
    }
    if chosen.is_empty() {
        bail!("`{list}` leaves no entity to look for");
    }
    let actions = chosen
        .iter()
        .map(|entity| (entity.name(), Action::Mask))
        .collect();
    Ok(Profile::new(&Rules {
        actions,
        ..Rules::default()
    })?)
}

/// The kinds of `list` (`any` for every one) among those that `profile` looks for.
///
/// # Errors
/// A name that nobody knows, or of what nobody looks for: waiting for it would be in vain.
pub(crate) fn kinds(list: &str, profile: &Profile) -> Result<Vec<Kind>> {
    let mut kinds = Vec::new();
    for name in list.split(',').map(str::trim) {
        if matches!(name, "any" | "all" | "*") {
            kinds.extend(profile.kinds());
            continue;
        }
        match profile.kinds().find(|kind| profile.name(*kind) == name) {
            Some(kind) => kinds.push(kind),
            None => {
                entity(name)?;
                bail!("`{name}` is not looked for here, so it would never be found");
            }
        }
    }
    Ok(kinds)
}

fn entity(name: &str) -> Result<Entity> {
    if let Some(entity) = Entity::from_name(name) {
        return Ok(entity);
    }
    // The profile knows best what may have been meant.
    let actions = vec![(name, Action::Mask)];
    match Profile::new(&Rules {
        actions,
        ..Rules::default()
    }) {
        Err(error) => bail!(
            "{}; `breakglass scan --list` has all of them",
            error.message
        ),
        Ok(_) => bail!("unknown entity `{name}`"),
    }
}
