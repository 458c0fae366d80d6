//go:build !unix

package listening

// safely are no flags here: the folder for temporary files is each user's own.
const safely = 0
