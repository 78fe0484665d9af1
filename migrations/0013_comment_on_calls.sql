comment on column attempts.call is 'Which call: create_credentials, create_storage, create_network, create_workspace, create_service_principal, mint_token.';
