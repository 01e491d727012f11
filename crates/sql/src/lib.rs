//! `sql!`: SQL with its parameters in place; and `#[derive(Record)]`: a row as a struct.
//!
//! `sql!(conn, "SELECT * FROM tenants WHERE id = {id}")` binds `id` and never pastes it into the text.
//! A typo in an expression is a compile error at that line. Each text is registered, so that one
//! test prepares all of them on both databases.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;
use syn::{
    Expr, ItemStruct, LitStr, Token,
    ext::IdentExt as _,
    parse::{Parse, ParseStream},
};

struct Query {
    connection: Expr,
    text: LitStr,
}

impl Parse for Query {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let connection = input.parse()?;
        input.parse::<Token![,]>()?;
        let text = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(Self { connection, text })
    }
}

/// Starts a query whose text is static and whose `{expressions}` are parameters.
#[proc_macro]
pub fn sql(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let Query { connection, text } = syn::parse_macro_input!(input);
    let (sql, parameters) = match split(&text) {
        Ok(parts) => parts,
        Err(error) => return error.to_compile_error().into(),
    };
    quote! {{
        ::inventory::submit!(crate::db::Statement { sql: #sql, file: file!(), line: line!() });
        #connection.query(#sql)#(.bind(&#parameters))*
    }}
    .into()
}

/// Separates the SQL, with `$1`, `$2` …, from the expressions. An expression used twice is bound once.
fn split(text: &LitStr) -> syn::Result<(String, Vec<Expr>)> {
    let source = text.value();
    let (mut sql, mut parameters) = (String::new(), Vec::<Expr>::new());
    let mut rest = source.as_str();
    while let Some((head, tail)) = rest.split_once('{') {
        let (code, tail) = tail
            .split_once('}')
            .ok_or_else(|| syn::Error::new(text.span(), "a `{` without its `}`"))?;
        let expression = syn::parse_str::<TokenStream>(code)
            .and_then(|tokens| syn::parse2::<Expr>(respan(tokens, text)))
            .map_err(|error| syn::Error::new(text.span(), format!("in `{{{code}}}`: {error}")))?;
        let known = parameters.iter().position(|parameter| *parameter == expression);
        let number = known.unwrap_or_else(|| {
            parameters.push(expression);
            parameters.len() - 1
        });
        sql.push_str(head);
        sql.push('$');
        sql.push_str(&(number + 1).to_string());
        rest = tail;
    }
    sql.push_str(rest);
    Ok((sql, parameters))
}

/// Makes the compiler point at the SQL text when an expression in it is wrong.
fn respan(tokens: TokenStream, text: &LitStr) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                token = Group::new(group.delimiter(), respan(group.stream(), text)).into();
            }
            token.set_span(text.span());
            token
        })
        .collect()
}

/// Reads each field from the column of its name. Fields are `db::Column`s.
#[proc_macro_derive(Record)]
pub fn record(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let ItemStruct { ident, fields, .. } = syn::parse_macro_input!(input);
    let names: Vec<_> = fields.iter().filter_map(|field| field.ident.clone()).collect();
    let columns = names.iter().map(|name| name.unraw().to_string());
    quote! {
        impl crate::db::Record for #ident {
            fn read(row: &crate::db::Row<'_>) -> Result<Self, crate::db::DbError> {
                Ok(Self { #(#names: crate::db::Column::read(row, #columns)?),* })
            }
        }
    }
    .into()
}
