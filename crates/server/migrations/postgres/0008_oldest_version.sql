-- Which versions of keybearer work on these tables: those that know migration `known` or a later one. A migration that
-- takes something away raises it; one that only adds leaves it, so that replicas of the version before go on working,
-- and start, while an upgrade is under way.
CREATE TABLE oldest_version (
    known BIGINT NOT NULL
);
INSERT INTO oldest_version (known) VALUES (1);
