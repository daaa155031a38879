//! The OpenAPI description as the page reads it.

use std::collections::BTreeSet;

use serde_json::Value;

/// The methods in the order in which the page shows them.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A whole description.
pub(super) struct Description<'a> {
    json: &'a Value,
    shapes: BTreeSet<&'a str>,
}

/// A group of operations.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
}

/// A method on a path.
pub(super) struct Operation<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    pub(super) json: &'a Value,
}

impl<'a> Description<'a> {
    pub(super) fn new(json: &'a Value) -> Self {
        let mut this = Self { json, shapes: BTreeSet::new() };
        let mut shapes = BTreeSet::new();
        for operation in this.operations() {
            this.collect_shapes(&operation.json["responses"], &mut shapes);
        }
        this.shapes = shapes;
        this
    }

    pub(super) fn title(&self) -> &'a str {
        self.json["info"]["title"].as_str().unwrap_or_default()
    }

    pub(super) fn version(&self) -> &'a str {
        self.json["info"]["version"].as_str().unwrap_or_default()
    }

    pub(super) fn summary(&self) -> &'a str {
        self.json["info"]["description"].as_str().unwrap_or_default()
    }

    /// Description of a bearer token.
    pub(super) fn bearer(&self) -> &'a str {
        let bearer = &self.json["components"]["securitySchemes"]["bearer"];
        bearer["description"].as_str().unwrap_or_default()
    }

    /// The tags that have operations, as they are described; tags without a description come last.
    pub(super) fn tags(&self) -> Vec<Tag<'a>> {
        let described = self.json["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut tags: Vec<Tag<'a>> = described
            .iter()
            .filter_map(|tag| {
                Some(Tag { name: tag["name"].as_str()?, description: tag["description"].as_str() })
            })
            .collect();
        let operations = self.operations();
        for operation in &operations {
            if !tags.iter().any(|tag| tag.name == operation.tag()) {
                tags.push(Tag { name: operation.tag(), description: None });
            }
        }
        tags.retain(|tag| operations.iter().any(|operation| operation.tag() == tag.name));
        tags
    }

    /// Operations on one thing stand before operations on all of them.
    pub(super) fn operations_of(&self, tag: &str) -> Vec<Operation<'a>> {
        let mut operations = self.operations();
        operations.retain(|operation| operation.tag() == tag);
        operations.sort_by_key(|operation| operation.path.replace('{', "!"));
        operations
    }

    pub(super) fn operations(&self) -> Vec<Operation<'a>> {
        let paths = self.json["paths"].as_object().into_iter().flatten();
        paths
            .flat_map(|(path, item)| {
                METHODS
                    .iter()
                    .filter_map(move |method| Some(Operation { method, path, json: item.get(*method)? }))
            })
            .collect()
    }

    /// The schema behind a reference; any other schema itself.
    pub(super) fn resolve<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        match referenced(schema) {
            Some(name) => &self.json["components"]["schemas"][name],
            None => schema,
        }
    }

    /// The named objects that answers are made of.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.shapes.iter().map(|name| (*name, &self.json["components"]["schemas"][*name]))
    }

    /// Tells whether the page shows the shape of this name.
    pub(super) fn has_shape(&self, name: &str) -> bool {
        self.shapes.contains(name)
    }

    fn collect_shapes(&self, json: &'a Value, found: &mut BTreeSet<&'a str>) {
        if let Some(name) = referenced(json) {
            let schema = self.resolve(json);
            let is_object = schema.get("properties").is_some() || schema.get("allOf").is_some();
            if is_object && found.insert(name) {
                self.collect_shapes(schema, found);
            }
        }
        match json {
            Value::Array(items) => items.iter().for_each(|item| self.collect_shapes(item, found)),
            Value::Object(map) => map.values().for_each(|item| self.collect_shapes(item, found)),
            _ => {}
        }
    }
}

/// The name of the component that a schema refers to.
pub(super) fn referenced(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

impl<'a> Operation<'a> {
    pub(super) fn tag(&self) -> &'a str {
        self.json["tags"][0].as_str().unwrap_or("others")
    }

    pub(super) fn summary(&self) -> &'a str {
        self.json["summary"].as_str().unwrap_or(self.path)
    }

    pub(super) fn description(&self) -> Option<&'a str> {
        self.json["description"].as_str()
    }

    pub(super) fn parameters(&self) -> &'a [Value] {
        self.json["parameters"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn needs_token(&self) -> bool {
        self.json["security"].as_array().is_some_and(|schemes| !schemes.is_empty())
    }

    /// The schema of the JSON body, when there is one.
    pub(super) fn body(&self) -> Option<&'a Value> {
        self.json["requestBody"]["content"]["application/json"].get("schema")
    }

    /// The element's id: method and path in letters, digits and hyphens.
    pub(super) fn anchor(&self) -> String {
        let mut anchor = self.method.to_owned();
        for word in self.path.split(|character: char| !character.is_ascii_alphanumeric()) {
            if !word.is_empty() {
                anchor.push('-');
                anchor.push_str(word);
            }
        }
        anchor
    }
}
