-- Which subjects were changed, under the value of `changes` that the change moved it to: servers forget these and nothing else.
-- Home's in an installation of several regions, as what it names. The newest thousand values are kept.
CREATE TABLE change_log (
    value BIGINT NOT NULL,
    -- token, user, credential, provider (its list of credentials), limit (its counters), or all.
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (value, kind, subject)
);

-- Which server does a job that one of them does for all, and until when nobody else does. Each database has its own, and no
-- backup holds them.
CREATE TABLE job_leases (
    job TEXT PRIMARY KEY,
    node_uid TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    -- How far the job has come, in its own words.
    cursor TEXT NOT NULL
);
