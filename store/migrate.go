package store

import "fmt"

// Migrate brings tables from a version to the newest one. Version 0 has no tables, and each
// migration leads to the next version; one that has been released is never changed. Apply runs
// a migration and notes the version that it makes. All has to be one transaction.
func Migrate(version int, migrations []string, apply func(migration string, makes int) error) error {
	if version > len(migrations) {
		return fmt.Errorf("its tables have version %d, and this sidecar supports versions up to %d; use a newer sidecar", version, len(migrations))
	}
	for i, migration := range migrations[version:] {
		if err := apply(migration, version+i+1); err != nil {
			return fmt.Errorf("making version %d of the tables: %w", version+i+1, err)
		}
	}
	return nil
}
