//! Reads a file of the house: which paths its code names, as seen from the crate's root.

use proc_macro2::{Span, TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Attribute, Meta, UseTree};

/// A file of `src/`.
pub(super) struct Source {
    /// From the repository's root.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    /// Its module path; the first segment is its room. The crate's roots are rooms `lib` and `main`.
    pub(super) fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.trim_end_matches("/mod")
            .split('/')
            .map(str::to_owned)
            .collect()
    }
}

/// One path in the code.
pub(super) struct Import {
    /// Absolute: `crate::…` without its `crate`, or a foreign crate's.
    pub(super) path: Vec<String>,
    /// Whether it points into this house.
    pub(super) inside: bool,
    /// Whether only tests see it.
    pub(super) test: bool,
    pub(super) line: usize,
}

/// Reads the paths of one file.
pub(super) struct Reader {
    here: Vec<String>,
    test: bool,
    pub(super) imports: Vec<Import>,
    /// Modules in files of their own that only tests see.
    pub(super) test_modules: BTreeSet<Vec<String>>,
}

impl Reader {
    /// Reads a file that stands at this module path.
    pub(super) fn read(file: &syn::File, here: Vec<String>) -> Self {
        let mut reader = Self {
            here,
            test: false,
            imports: Vec::new(),
            test_modules: BTreeSet::new(),
        };
        reader.visit_file(file);
        reader
    }

    fn record(&mut self, path: &[String], span: Span) {
        let Some(first) = path.first() else { return };
        let mut rest = path;
        let (mut at, inside) = match first.as_str() {
            "crate" | "brickyard" => (Vec::new(), true),
            "self" | "super" => (self.here.clone(), true),
            _ => (Vec::new(), false),
        };
        if inside && !["self", "super"].contains(&first.as_str()) {
            rest = &rest[1..];
        }
        while inside && rest.first().is_some_and(|s| s == "self" || s == "super") {
            if rest[0] == "super" {
                at.pop();
            }
            rest = &rest[1..];
        }
        at.extend_from_slice(rest);
        self.imports.push(Import {
            path: at,
            inside,
            test: self.test,
            line: span.start().line,
        });
    }

    fn record_use(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.record_use(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| self.record_use(tree, before)),
            UseTree::Glob(glob) => self.record_leaf("*", glob.star_token.spans[0], before),
            UseTree::Name(name) => {
                self.record_leaf(&name.ident.to_string(), name.ident.span(), before)
            }
            UseTree::Rename(rename) => {
                self.record_leaf(&rename.ident.to_string(), rename.ident.span(), before)
            }
        }
    }

    fn record_leaf(&mut self, name: &str, span: Span, before: &[String]) {
        let leaf = (name != "self" || before.is_empty()).then(|| name.to_owned());
        let path: Vec<String> = before.iter().cloned().chain(leaf).collect();
        self.record(&path, span);
    }

    /// Paths in the arguments of a macro or an attribute, which are not parsed.
    fn record_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut span, mut colons) = (Span::call_site(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.record(&std::mem::take(&mut path), span);
                        span = ident.span();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.record(&std::mem::take(&mut path), span);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.record_tokens(group.stream());
                    }
                }
            }
        }
        self.record(&path, span);
    }

    fn within(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.test;
        self.test |= attributes.iter().any(only_for_tests);
        visit(self);
        self.test = before;
    }
}

fn only_for_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        other => other
            .path()
            .segments
            .last()
            .is_some_and(|s| s.ident == "test"),
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.here.push(item.ident.to_string());
        self.within(&item.attrs, |reader| {
            if reader.test && item.content.is_none() {
                reader.test_modules.insert(reader.here.clone());
            }
            visit::visit_item_mod(reader, item);
        });
        self.here.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.within(&item.attrs, |reader| visit::visit_item_fn(reader, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.within(&item.attrs, |reader| visit::visit_item_impl(reader, item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.within(&item.attrs, |reader| {
            reader.record_use(&item.tree, &mut Vec::new())
        });
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.record(&[item.ident.to_string()], item.ident.span());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.record(&segments, path.segments[0].ident.span());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.record_tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.record_tokens(list.tokens.clone());
        }
    }
}
