//! What a request chose of a template, checked: by the template's schema, then by the rules the configuration keeps
//! too.

use super::wanted::CreateWorkspace;
use crate::domain::pairs::{MAX_PAIRS, Pairs};
use crate::domain::settable::Wrong;
use crate::domain::template::{Choices, Template, Templates};
use crate::domain::wish;
use crate::http::body::{errors, refusal};
use crate::http::problem::{FieldCode, FieldError, Problem};
use crate::http::templates;
use crate::provisioning::request::Tags;
use crate::store::workspaces::Workspace as Row;
use serde_json::{Value, json};

/// The template a request names, and what it chose.
///
/// # Errors
/// An unknown template, or every field that the template does not allow.
pub fn choices<'t>(
    templates: &'t Templates,
    wanted: &CreateWorkspace,
) -> Result<(&'t Template, Choices), Problem> {
    let template = templates
        .find(&wanted.template)
        .ok_or_else(|| templates::unknown(templates))?;
    // What is left out counts as empty, so that what is missing in it is named.
    let tags = wanted.tags.clone().unwrap_or_default();
    let said = json!({"name": wanted.name, "tags": tags, "parameters": wanted.parameters});
    let mut wrong = errors(template.demands.validator(), &said);
    // The vendor's word for "no deployment name", in any case.
    if wanted.deployment_name.as_deref() == Some("empty") {
        wrong.push(invalid("/deployment_name", "is reserved by Databricks"));
    }
    if wanted.deployment_name.is_some() && !template.cloud.traits().deployment_names {
        let why = format!("cannot be chosen on {}", template.cloud.as_str());
        wrong.push(invalid("/deployment_name", &why));
    }
    let chosen = template.choose(
        tags,
        wanted.deployment_name.clone(),
        wanted.parameters.clone(),
    );
    match chosen {
        Ok(choices) if wrong.is_empty() => return Ok((template, choices)),
        Ok(_) => {}
        Err(rules) => {
            let parameters = &template.demands.schema()["properties"]["parameters"]["properties"];
            for rule in rules {
                let error = of_rule(&rule, parameters);
                // A place is told once: what does not fit its schema seldom keeps the rules.
                if !wrong.iter().any(|known| overlaps(known, &error)) {
                    wrong.push(error);
                }
            }
        }
    }
    Err(refusal(wrong))
}

/// Other tags of a workspace that is there, checked like those of a new one: by the template it was made from. What was
/// asked for before is not checked again, whatever has become of the template.
///
/// # Errors
/// Every tag that may not be, or must be and is not.
pub fn tags<'r>(templates: &Templates, row: &'r Row, change: &Pairs) -> Result<Tags<'r>, Problem> {
    let before = wish::tags(row.wish.as_ref(), &row.spec.tags);
    let asked = change.onto(&before);
    if asked == before {
        return Ok(Tags {
            read: row,
            spec: row.spec.clone(),
            wish: row.wish.clone(),
        });
    }
    let made_from = &row.spec.template;
    let template = templates.find(made_from).ok_or_else(|| {
        let why = format!("cannot be changed: the template {made_from} is no longer configured");
        refusal(vec![invalid("/tags", &why)])
    })?;
    let said = json!({"name": row.name, "tags": asked, "parameters": row.spec.parameters});
    let mut wrong = errors(template.demands.validator(), &said);
    wrong.retain(|it| it.pointer.as_deref().is_some_and(wish::is_tag));
    if asked.len() > MAX_PAIRS {
        let why = format!("{} tags are more than {MAX_PAIRS}", asked.len());
        wrong.push(invalid("/tags", &why));
    }
    if !wrong.is_empty() {
        return Err(refusal(wrong));
    }
    let wish = row.wish.as_ref();
    Ok(Tags {
        read: row,
        wish: wish.map(|wish| wish::with_tags(wish, &asked)),
        spec: row.spec.with_tags(template.tags_for(asked)),
    })
}

fn of_rule(rule: &Wrong, parameters: &Value) -> FieldError {
    let is_parameter = |name: &str| parameters.get(name).is_some();
    let mut members = rule.members();
    let pointer = match members.next() {
        Some(member) if is_parameter(member) => {
            format!("/parameters/{}", rule.member.replace('.', "/"))
        }
        _ => match members.find(|member| is_parameter(member)) {
            Some(other) => format!("/parameters/{other}"),
            None => "/parameters".to_owned(),
        },
    };
    invalid(&pointer, &rule.why)
}

fn overlaps(one: &FieldError, other: &FieldError) -> bool {
    let (Some(one), Some(other)) = (&one.pointer, &other.pointer) else {
        return false;
    };
    one == other || one.starts_with(&format!("{other}/")) || other.starts_with(&format!("{one}/"))
}

fn invalid(pointer: &str, detail: &str) -> FieldError {
    FieldError::pointer(pointer, FieldCode::Invalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::samples;

    #[test]
    fn without_its_template_tags_stay_as_they_are() {
        let (none, row) = (Templates::default(), samples::ready());
        let same = Pairs::Replace(row.spec.tags.clone());
        let tags = tags(&none, &row, &same).expect("nothing is to be checked");
        assert_eq!((&tags.spec, &tags.wish), (&row.spec, &row.wish));
        let other = Pairs::Merge([("env".to_owned(), Some("dev".to_owned()))].into());
        assert!(super::tags(&none, &row, &other).is_err());
    }
}
