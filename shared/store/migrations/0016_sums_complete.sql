-- Each year of points at rest becomes one part (0014): set again, so that a table made by hand has it too.
ALTER TABLE points MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;
