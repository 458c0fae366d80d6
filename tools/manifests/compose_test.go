package manifests

import (
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads the file as "docker compose config" does.
func loadCompose(t *testing.T) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  root + "/examples/compose",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(readFile(t, "examples/compose/compose.yaml"))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// Each container is as locked as the image allows, and runs as the user that can read the secrets.
func TestComposeContainers(t *testing.T) {
	user, _ := imageUser(t)
	services := loadCompose(t).Services
	if len(services) != 3 {
		t.Fatalf("%d services, want app, sidecar and sandbox", len(services))
	}
	for name, service := range services {
		t.Run(name, func(t *testing.T) {
			if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
				t.Errorf("read_only %v, cap_drop %v, security_opt %v", service.ReadOnly, service.CapDrop, service.SecurityOpt)
			}
			if want := map[bool]string{true: user}[name == "app"]; service.User != want { // the others: the image's
				t.Errorf("user %q, want %q", service.User, want)
			}
		})
	}
}

// The sidecar signs for callers on loopback, so the app shares its network. No port leads to the signing side or around
// the guard.
func TestComposeNetwork(t *testing.T) {
	services := loadCompose(t).Services
	for _, name := range []string{"sidecar", "sandbox"} {
		if services[name].NetworkMode != "service:app" || len(services[name].Ports) != 0 {
			t.Errorf("%s: network_mode %q, ports %v", name, services[name].NetworkMode, services[name].Ports)
		}
	}
	for _, port := range services["app"].Ports {
		if port.HostIP != "127.0.0.1" || !slices.Contains([]string{"9181", "9190"}, port.Published) || !slices.Contains([]uint32{9181, 9190}, port.Target) {
			t.Errorf("port %+v is published", port)
		}
	}
	if services["app"].HealthCheck == nil {
		t.Error("app has no health check")
	}
}

// The sidecar gets each secret that its Caddyfile reads, as a file, and a volume for the store.
func TestComposeSecretsAndStore(t *testing.T) {
	project := loadCompose(t)
	var given []string
	for _, secret := range project.Services["sidecar"].Secrets {
		given = append(given, secret.Source)
		if project.Secrets[secret.Source].File == "" {
			t.Errorf("the secret %s is no file", secret.Source)
		}
	}
	slices.Sort(given)
	if want := secretsIn(t, readFile(t, "examples/compose/Caddyfile"), "/run/secrets"); !slices.Equal(given, want) {
		t.Errorf("the sidecar gets the secrets %v, its Caddyfile reads %v", given, want)
	}
	for _, name := range []string{"app", "sandbox"} {
		if len(project.Services[name].Secrets) != 0 || len(project.Services[name].Environment) > 1 {
			t.Errorf("%s gets secrets, or more than the folder of its orders", name)
		}
	}
	isStore := func(v types.ServiceVolumeConfig) bool {
		return v.Type == types.VolumeTypeVolume && v.Source == "data" && v.Target == "/data" && !v.ReadOnly
	}
	if !slices.ContainsFunc(project.Services["sidecar"].Volumes, isStore) {
		t.Errorf("no volume for the store: %+v", project.Services["sidecar"].Volumes)
	}
}
