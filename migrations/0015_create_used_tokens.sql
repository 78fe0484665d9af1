create table used_tokens (
    issuer     text not null,
    token_id   text not null,
    expires_at timestamptz not null,
    constraint used_tokens_once primary key (issuer, token_id)
);

create index used_tokens_by_expiry on used_tokens (expires_at);

comment on table used_tokens is 'Bearer tokens that were good for one request and have been used, of issuers with single_use_jti. Kept until they cannot be accepted any more.';
comment on column used_tokens.issuer is 'The issuer''s configured name.';
comment on column used_tokens.token_id is 'The token''s jti; not the token.';
comment on column used_tokens.expires_at is 'The token''s exp.';
