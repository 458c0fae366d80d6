// Package architecture holds no code. Its tests keep docs/architecture.md true: which package may import
// which, what the signing core may know, and whether the links between the documents lead somewhere.
package architecture
