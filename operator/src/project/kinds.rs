//! Every kind of change that there is: who would have to approve it, and whether that is possible.

use std::fmt;

use breakglass_policy::Name;

use crate::change::approval::has_authority;
use crate::change::record::{Category, Impact, Scope};
use crate::project::config::{Config, Person};

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) category: Category,
    pub(crate) scope: Scope,
    pub(crate) impact: Impact,
}

/// Whether these people could approve together what needs these roles: one for each role, in this area,
/// and `author` none of them.
pub(crate) fn can_approve(
    people: &[Person],
    roles: &[Name],
    area: Option<&Name>,
    author: Option<&Name>,
) -> bool {
    let free: Vec<&Person> = people
        .iter()
        .filter(|person| author != Some(&person.id))
        .collect();
    fill(&free, roles, area)
}

/// A person for each role; nobody has two.
fn fill(free: &[&Person], roles: &[Name], area: Option<&Name>) -> bool {
    let Some((role, others)) = roles.split_first() else {
        return true;
    };
    let may = free
        .iter()
        .filter(|person| has_authority(person, role, area));
    let mut may = may.map(|chosen| {
        let rest = free.iter().copied();
        rest.filter(|person| person.id != chosen.id)
            .collect::<Vec<_>>()
    });
    may.any(|rest| fill(&rest, others, area))
}

/// Whether proxies let exposure rise when these roles have signed: every role of one of the sets of
/// `trust.raise`, a role that a set names twice by two of them.
pub(crate) fn suffices(roles: &[Name], raise: &[Vec<Name>]) -> bool {
    raise.iter().any(|set| lacking(roles, set).is_empty())
}

/// The roles of a set that are not among these.
pub(crate) fn lacking(roles: &[Name], set: &[Name]) -> Vec<Name> {
    let mut left = roles.to_vec();
    let mut lacking = Vec::new();
    for role in set {
        match left.iter().position(|known| known == role) {
            Some(place) => drop(left.swap_remove(place)),
            None => lacking.push(role.clone()),
        }
    }
    lacking
}

// === impl Kind ===

impl Kind {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Category::ALL.into_iter().flat_map(|category| {
            [Scope::Prompt, Scope::Platform]
                .into_iter()
                .flat_map(move |scope| {
                    [Impact::Limited, Impact::Broad].map(|impact| Self {
                        category,
                        scope,
                        impact,
                    })
                })
        })
    }

    /// The roles that must approve it.
    pub(crate) fn roles(self, config: &Config) -> Vec<Name> {
        config.roles(self.category, self.scope, self.impact)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            category,
            scope,
            impact,
        } = self;
        write!(f, "{category}/{}/{}", scope.as_str(), impact.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<Name> {
        let words = text.split_whitespace();
        words.map(|word| Name::new(word).unwrap()).collect()
    }

    #[test]
    fn a_set_of_roles_counts_each_as_often_as_it_names_it() {
        let cases = [
            ("lead", "lead", ""),
            ("lead", "lead lead", "lead"),
            ("lead lead", "lead lead", ""),
            ("senior", "lead", "lead"),
            ("senior lead", "lead", ""),
        ];
        for (roles, set, lacks) in cases {
            assert_eq!(
                lacking(&names(roles), &names(set)),
                names(lacks),
                "{roles} of {set}"
            );
            assert_eq!(
                suffices(&names(roles), &[names("other"), names(set)]),
                lacks.is_empty()
            );
        }
        assert!(
            !suffices(&names("lead"), &[]),
            "without a set nobody can raise"
        );
    }

    #[test]
    fn there_are_sixteen_kinds() {
        let kinds: Vec<_> = Kind::all().map(|kind| kind.to_string()).collect();
        assert_eq!(kinds.len(), 16);
        assert_eq!(kinds[0], "security/prompt/limited");
    }
}
