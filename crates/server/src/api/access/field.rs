//! Names of fields that may stand in the audit trail: ours, and those that the description of the API has.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;
use strongroom_model::Field;

/// Returns the name, unless the caller may have made it up: then it can hold anything, also a secret.
pub(super) fn known(field: &Field) -> Option<&'static str> {
    // Of the same description that the server publishes: no second list can fall behind it.
    static DESCRIBED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let api = serde_json::to_value(crate::api::openapi()).unwrap_or_default();
        described(&api)
    });
    match field {
        Field::Ours(name) => Some(name),
        Field::Given(name) => DESCRIBED.get(&without_index(name)).map(String::as_str),
    }
}

/// Returns the name of a field without its place in a list: `limits.unit` for `limits[0].unit`.
fn without_index(name: &str) -> String {
    let parts = name.split('[').enumerate();
    let behind = |(at, part): (usize, &'_ str)| {
        if at == 0 { part.to_owned() } else { part.split_once(']').map_or("", |(_, rest)| rest).to_owned() }
    };
    parts.map(behind).collect()
}

/// Every parameter, and every field of what is sent, those of objects in it as `object.field`; and the places where they
/// stand, which are named when a field has no name that could be shown.
fn described(api: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::from(["body".to_owned(), "query".to_owned()]);
    let operations = api["paths"].as_object().into_iter().flatten().filter_map(|(_, path)| path.as_object());
    for operation in operations.flatten().map(|(_, operation)| operation) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        names.extend(parameters.filter_map(|it| Some(it["name"].as_str()?.to_owned())));
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        add_fields(api, body, "", &mut names);
    }
    names
}

/// Adds the fields of a schema. Ours do not contain themselves, so this ends.
fn add_fields(api: &Value, schema: &Value, above: &str, names: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/components/schemas/")) {
        return add_fields(api, &api["components"]["schemas"][name], above, names);
    }
    if schema["items"].is_object() {
        add_fields(api, &schema["items"], above, names);
    }
    for part in ["oneOf", "anyOf", "allOf"].iter().flat_map(|kind| schema[kind].as_array()).flatten() {
        add_fields(api, part, above, names);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        add_fields(api, field, &path, names);
        names.insert(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str) -> Field {
        Field::Given(name.to_owned())
    }

    #[test]
    fn every_field_that_can_be_sent_is_known() {
        let api = serde_json::to_value(crate::api::openapi()).unwrap();
        let schemas = api["components"]["schemas"].as_object().unwrap();
        let mut seen = 0;
        let operations =
            api["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
        for (_, operation) in operations {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                assert_eq!(known(&given(name)), Some(name));
                seen += 1;
            }
            let body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let Some(body) = body else { continue };
            for name in schemas[body.rsplit('/').next().unwrap()]["properties"].as_object().unwrap().keys() {
                assert_eq!(known(&given(name)), Some(name.as_str()));
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen} fields were looked at");
        for other in ["scope.credentials", "rotateWith.project", "body", "query"] {
            assert_eq!(known(&given(other)), Some(other));
        }
    }

    #[test]
    fn a_field_that_a_caller_made_up_is_not_known_and_one_of_ours_always_is() {
        for name in ["sk-canary", "nam", "", "scope.sk-canary", "body.name"] {
            assert_eq!(known(&given(name)), None, "{name}");
        }
        assert_eq!(known(&Field::Ours("query")), Some("query"));
        assert_eq!(known(&given("limits[12].unit")), Some("limits.unit"));
        assert_eq!(known(&given("limits[sk-canary")), Some("limits"));
    }
}
