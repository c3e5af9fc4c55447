INSERT INTO limen_account (id, email, email_verified, name, image, roles, disabled, revision, created_at, updated_at) VALUES ('usr_ada', 'ada@example.org', TRUE, 'Ada', NULL, '["reader", "writer"]', FALSE, 3, 1800000000000, 1800000000001);
INSERT INTO limen_credential (account_id, provider, issuer, account_key, password_hash, created_at, updated_at) VALUES ('usr_ada', 'credential', 'local:credential', 'usr_ada', '$argon2id$old', 1800000000000, 1800000000000);
INSERT INTO limen_session (id, subject, strategy, authenticated_at, created_at, used_at, expires_at, idle, methods, address, user_agent, remembered, roles) VALUES ('ses_one', 'usr_ada', 'hybrid', 1799999999995, 1800000000000, 1800000000000, 1800006000000, 1800000, '["pwd", "otp"]', '192.0.2.7', 'curl/8', FALSE, '["guest"]');
INSERT INTO limen_secret (digest, session_id, kind, issued_at, used_at, successor, sealed_successor) VALUES (:reference, 'ses_one', 'reference', 1800000000000, NULL, NULL, NULL);
INSERT INTO limen_secret (digest, session_id, kind, issued_at, used_at, successor, sealed_successor) VALUES (:used, 'ses_one', 'refresh', 1800000000000, 1800000000000, :live, :sealed);
INSERT INTO limen_secret (digest, session_id, kind, issued_at, used_at, successor, sealed_successor) VALUES (:live, 'ses_one', 'refresh', 1800000000000, NULL, NULL, NULL);
INSERT INTO limen_revocation (kind, subject, not_before, expires_at) VALUES ('key', 'k0', 1800000000001, 1800000600000);
INSERT INTO limen_key (id, algorithm, state, public, sealed_private, created_at, moved_at) VALUES ('k1', 'EdDSA', 'signing', '{"kty": "OKP"}', :sealed, 1800000000000, 1800000000002);
INSERT INTO limen_tally (key, count, resets_at) VALUES ('sign-in:ada', 4, 1800000060000);
INSERT INTO limen_ticket (purpose, digest, subject, expires_at) VALUES ('reset', :reference, 'usr_ada', 1800000060000);
INSERT INTO limen_kept (number, kind, subject, not_before, expires_at, sessions_until) VALUES (3, 'user', 'usr_ada', 1800000000001, 1800000600000, 1800006000000)
