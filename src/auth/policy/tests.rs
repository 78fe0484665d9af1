//! The permission table, cell by cell.

use super::*;

fn principal(grants: &[(Role, Option<&str>)]) -> Principal {
    Principal {
        id: "oidc:company:ada".to_owned(),
        issuer: "company".to_owned(),
        subject: "ada".to_owned(),
        grants: grants
            .iter()
            .map(|(role, team)| Grant {
                role: *role,
                team: team.map(str::to_owned),
            })
            .collect(),
        expires_at: 0,
    }
}

/// role × action × relation. Columns: own team and own thing, own team and another's thing, other team.
/// `+` allowed, `R`/`O` forbidden for want of requester/operator, `.` hidden.
#[test]
fn every_cell() {
    const READS: &str = "ReadTemplates ListWorkspaces ReadWorkspace ReadOperations ReadTokens";
    const ONESELF: &str = "ReadOneself";
    const CHANGES: &str = "UpdateWorkspace DeleteWorkspace RepairWorkspace";
    let table: &[(Option<Role>, &str, &str)] = &[
        (None, ONESELF, "+++"),
        (None, READS, "..."),
        (None, "CreateWorkspace", "..."),
        (None, CHANGES, "..."),
        (Some(Role::Viewer), ONESELF, "+++"),
        (Some(Role::Viewer), READS, "++."),
        (Some(Role::Viewer), "CreateWorkspace", "RR."),
        (Some(Role::Viewer), CHANGES, "RO."),
        (Some(Role::Requester), ONESELF, "+++"),
        (Some(Role::Requester), READS, "++."),
        (Some(Role::Requester), "CreateWorkspace", "++."),
        (Some(Role::Requester), CHANGES, "+O."),
        (Some(Role::Operator), ONESELF, "+++"),
        (Some(Role::Operator), READS, "++."),
        (Some(Role::Operator), "CreateWorkspace", "++."),
        (Some(Role::Operator), CHANGES, "++."),
        (Some(Role::Auditor), ONESELF, "+++"),
        (Some(Role::Auditor), READS, "+++"),
        (Some(Role::Auditor), "CreateWorkspace", "RRR"),
        (Some(Role::Auditor), CHANGES, "ROO"),
        (Some(Role::Admin), ONESELF, "+++"),
        (Some(Role::Admin), READS, "+++"),
        (Some(Role::Admin), "CreateWorkspace", "+++"),
        (Some(Role::Admin), CHANGES, "+++"),
    ];
    let mut cells = 0;
    for (role, actions, expected) in table {
        let grants: Vec<_> = role
            .iter()
            .map(|role| (*role, (!role.is_for_all_teams()).then_some("blue")))
            .collect();
        let ada = principal(&grants);
        for action in Action::ALL
            .into_iter()
            .filter(|a| actions.split(' ').any(|name| name == format!("{a:?}")))
        {
            let relations = [
                ("blue", ada.id.as_str()),
                ("blue", "oidc:company:bob"),
                ("red", "oidc:company:bob"),
            ];
            for ((team, owner), cell) in relations.into_iter().zip(expected.chars()) {
                let expected = match cell {
                    '+' => Decision::Allow,
                    '.' => Decision::Hidden,
                    'R' => Decision::Forbidden {
                        needs: Role::Requester,
                    },
                    _ => Decision::Forbidden {
                        needs: Role::Operator,
                    },
                };
                let decision = decide(&ada, action, Some(team), Some(owner));
                assert_eq!(decision, expected, "{role:?} {action:?} {team} {owner}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 6 * Action::ALL.len() * 3, "a cell is missing");
}

#[test]
fn owning_something_of_a_team_one_has_left_gives_nothing() {
    let ada = principal(&[(Role::Requester, Some("blue"))]);
    let decision = decide(&ada, Action::DeleteWorkspace, Some("red"), Some(&ada.id));
    assert_eq!(decision, Decision::Hidden);
}

#[test]
fn without_a_team_in_mind() {
    let nobody = principal(&[]);
    let viewer = principal(&[(Role::Viewer, Some("blue"))]);
    let cases = [
        (
            &nobody,
            Action::ListWorkspaces,
            Decision::Forbidden {
                needs: Role::Viewer,
            },
        ),
        (
            &nobody,
            Action::CreateWorkspace,
            Decision::Forbidden {
                needs: Role::Requester,
            },
        ),
        (&viewer, Action::ListWorkspaces, Decision::Allow),
        (
            &viewer,
            Action::CreateWorkspace,
            Decision::Forbidden {
                needs: Role::Requester,
            },
        ),
    ];
    for (principal, action, expected) in cases {
        assert_eq!(
            decide(principal, action, None, None),
            expected,
            "{action:?}"
        );
    }
}

#[test]
fn teams() {
    let only = |teams: &[&str]| Teams::Only(teams.iter().map(|t| (*t).to_owned()).collect());
    let cases = [
        (principal(&[]), only(&[]), only(&[])),
        (
            principal(&[
                (Role::Viewer, Some("blue")),
                (Role::Requester, Some("red")),
                (Role::Operator, Some("green")),
            ]),
            only(&["blue", "green", "red"]),
            only(&["green", "red"]),
        ),
        (
            principal(&[(Role::Auditor, None), (Role::Requester, Some("red"))]),
            Teams::All,
            only(&["red"]),
        ),
        (principal(&[(Role::Admin, None)]), Teams::All, Teams::All),
        // scopes that do not fit the role give nothing
        (
            principal(&[(Role::Operator, None), (Role::Admin, Some("blue"))]),
            only(&[]),
            only(&[]),
        ),
    ];
    for (principal, visible, requestable) in cases {
        assert_eq!(visible_teams(&principal), visible);
        assert_eq!(requestable_teams(&principal), requestable);
    }
}

#[test]
fn a_scope_that_does_not_fit_its_role_gives_nothing() {
    for grant in [
        (Role::Admin, Some("blue")),
        (Role::Auditor, Some("blue")),
        (Role::Operator, None),
        (Role::Viewer, None),
    ] {
        let ada = principal(&[grant]);
        for action in Action::ALL
            .into_iter()
            .filter(|action| *action != Action::ReadOneself)
        {
            let decision = decide(&ada, action, Some("blue"), Some(&ada.id));
            assert_eq!(decision, Decision::Hidden, "{grant:?} {action:?}");
            let decision = decide(&ada, action, None, None);
            assert!(
                matches!(decision, Decision::Forbidden { .. }),
                "{grant:?} {action:?}"
            );
        }
    }
}

/// What an action is called in the README.
fn words(action: Action) -> &'static str {
    match action {
        Action::ReadOneself => "see who one is here, and why",
        Action::ReadTemplates => "see templates",
        Action::ListWorkspaces => "list workspaces",
        Action::ReadWorkspace => "read a workspace",
        Action::ReadOperations => "read and list operations",
        Action::ReadTokens => "read where tokens lie",
        Action::CreateWorkspace => "ask for a workspace",
        Action::UpdateWorkspace => "change a workspace",
        Action::DeleteWorkspace => "delete a workspace",
        Action::RepairWorkspace => "repair, retry or cancel the work on one",
    }
}

const ROLES: [Role; 5] = [
    Role::Viewer,
    Role::Requester,
    Role::Operator,
    Role::Auditor,
    Role::Admin,
];

/// The table as the policy has it.
fn table() -> String {
    let row = |first: &str, cells: Vec<&str>| format!("| {first} | {} |\n", cells.join(" | "));
    let mut table = row("", ROLES.iter().map(|role| role.as_str()).collect());
    table.push_str(&row("---", vec!["---"; ROLES.len()]));
    for action in Action::ALL {
        let kind = action.kind();
        let cell = |role: &Role| match (permits(*role, kind, false), permits(*role, kind, true)) {
            _ if matches!(kind, Kind::Oneself) => "yes",
            (true, _) if role.is_for_all_teams() => "all teams",
            (true, _) => "its team",
            (false, true) => "its own",
            (false, false) => "no",
        };
        table.push_str(&row(words(action), ROLES.iter().map(cell).collect()));
    }
    table
}

#[test]
fn the_readme_tells_the_policy() {
    let table = table();
    let readme = include_str!("../../../README.md");
    assert!(
        readme.contains(&table),
        "README.md does not have this table:\n{table}"
    );
}
