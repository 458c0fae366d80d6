// Package manifests holds no code. Its tests check the files of examples/compose and examples/kubernetes with the
// libraries that Compose, kustomize and Kubernetes read them with. It is a module of its own, so that the product depends on none of them.
package manifests
