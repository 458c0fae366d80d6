package manifests

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const folder = "examples/kubernetes"

// kustomization is the fields that the example uses.
type kustomization struct {
	meta.TypeMeta      `json:",inline"`
	Namespace          string   `json:"namespace"`
	Resources          []string `json:"resources"`
	ConfigMapGenerator []struct {
		Name  string   `json:"name"`
		Files []string `json:"files"`
	} `json:"configMapGenerator"`
}

// cluster is all objects of the example.
type cluster struct {
	kustomization kustomization
	namespace     core.Namespace
	set           apps.StatefulSet
	service       core.Service
	policy        networking.NetworkPolicy
}

// loadCluster reads every file; a field that Kubernetes does not have is an error.
func loadCluster(t *testing.T) *cluster {
	t.Helper()
	c := new(cluster)
	strictly(t, readFile(t, folder+"/kustomization.yaml"), &c.kustomization)
	objects := map[string]any{"Namespace": &c.namespace, "StatefulSet": &c.set, "Service": &c.service, "NetworkPolicy": &c.policy}
	versions := map[string]string{"Namespace": "v1", "StatefulSet": "apps/v1", "Service": "v1", "NetworkPolicy": "networking.k8s.io/v1"}
	for _, file := range c.kustomization.Resources {
		for document := range strings.SplitSeq(readFile(t, folder+"/"+file), "\n---\n") {
			var kind meta.TypeMeta
			if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if objects[kind.Kind] == nil || versions[kind.Kind] != kind.APIVersion {
				t.Fatalf("%s: unexpected or second object %+v", file, kind)
			}
			strictly(t, document, objects[kind.Kind])
			delete(objects, kind.Kind)
		}
	}
	if len(objects) != 0 {
		t.Fatalf("objects are missing: %v", objects)
	}
	return c
}

func strictly(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// sidecar is the container of the sidecar.
func (c *cluster) sidecar(t *testing.T) core.Container {
	t.Helper()
	if len(c.set.Spec.Template.Spec.InitContainers) != 1 {
		t.Fatalf("%d init containers, want the sidecar", len(c.set.Spec.Template.Spec.InitContainers))
	}
	return c.set.Spec.Template.Spec.InitContainers[0]
}

// No file of the folder is left out of the kustomization.
func TestKubernetesKustomization(t *testing.T) {
	k := loadCluster(t).kustomization
	files, err := filepath.Glob(filepath.Join(root, folder, "*.yaml"))
	if err != nil || len(files) != len(k.Resources)+1 {
		t.Errorf("%d files beside the kustomization, it lists %v, error %v", len(files)-1, k.Resources, err)
	}
	if len(k.ConfigMapGenerator) != 1 || !slices.Equal(k.ConfigMapGenerator[0].Files, []string{"Caddyfile"}) {
		t.Errorf("config maps %+v", k.ConfigMapGenerator)
	}
}

// The sidecar is a native one, starts before the app and is asked whether it lives and is ready.
func TestKubernetesSidecar(t *testing.T) {
	s := loadCluster(t).sidecar(t)
	if s.RestartPolicy == nil || *s.RestartPolicy != core.ContainerRestartPolicyAlways {
		t.Errorf("restartPolicy %v", s.RestartPolicy)
	}
	for path, probes := range map[string][]*core.Probe{"/live": {s.StartupProbe, s.LivenessProbe}, "/ready": {s.ReadinessProbe}} {
		for _, probe := range probes {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "health" {
				t.Errorf("a probe of %s is %+v", path, probe)
			}
		}
	}
	for _, port := range s.Ports {
		caddyfile := readFile(t, folder+"/Caddyfile")
		if want := map[string]int32{"callbacks": 9181, "health": 9183}; want[port.Name] != port.ContainerPort || !strings.Contains(caddyfile, "http://:"+map[int32]string{9181: "9181", 9183: "9183"}[port.ContainerPort]+" {") {
			t.Errorf("port %+v", port)
		}
	}
}

// The pod satisfies the standard "restricted", which its namespace enforces, as the image's user.
func TestKubernetesPodIsRestricted(t *testing.T) {
	c := loadCluster(t)
	if c.namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" || c.namespace.Name != c.kustomization.Namespace {
		t.Errorf("namespace %+v", c.namespace)
	}
	_, user := imageUser(t)
	pod := c.set.Spec.Template.Spec
	s := pod.SecurityContext
	if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser != user || s.FSGroup == nil || *s.FSGroup != user ||
		s.SeccompProfile == nil || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("securityContext %+v, want user %d", s, user)
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC || pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod has more of its host or of the cluster than it needs")
	}
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		s := container.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("%s: securityContext %+v", container.Name, s)
		}
	}
}

// Secrets, Caddyfile and store are mounted where the sidecar looks for them, and the app gets none of them.
func TestKubernetesVolumes(t *testing.T) {
	c := loadCluster(t)
	mounts := map[string]core.VolumeMount{}
	for _, mount := range c.sidecar(t).VolumeMounts {
		mounts[mount.Name] = mount
	}
	secretsOf(t, folder+"/Caddyfile", mounts["secrets"].MountPath)
	for name, want := range map[string]core.VolumeMount{
		"caddyfile": {Name: "caddyfile", MountPath: "/etc/caddy", ReadOnly: true},
		"secrets":   {Name: "secrets", MountPath: "/run/secrets/galaxypay", ReadOnly: true},
		"data":      {Name: "data", MountPath: "/data"},
	} {
		if mounts[name] != want {
			t.Errorf("the sidecar mounts %+v, want %+v", mounts[name], want)
		}
		for _, mount := range c.set.Spec.Template.Spec.Containers[0].VolumeMounts {
			if mount.Name == name {
				t.Errorf("the app mounts %s", name)
			}
		}
	}
	claims := c.set.Spec.VolumeClaimTemplates
	if len(claims) != 1 || claims[0].Name != "data" || *c.set.Spec.Replicas != 1 {
		t.Errorf("claims %+v; a store in a file is for one replica", claims)
	}
	for _, volume := range c.set.Spec.Template.Spec.Volumes {
		if volume.Secret != nil && (volume.Secret.DefaultMode == nil || *volume.Secret.DefaultMode != 0o440) {
			t.Errorf("the secret has the mode %v", volume.Secret.DefaultMode)
		}
		if volume.ConfigMap != nil && volume.ConfigMap.Name != c.kustomization.ConfigMapGenerator[0].Name {
			t.Errorf("the config map %s is not made", volume.ConfigMap.Name)
		}
	}
}

// Requests come through the guard alone, and the pod calls name servers and https alone.
func TestKubernetesNetwork(t *testing.T) {
	c := loadCluster(t)
	labels := c.set.Spec.Template.Labels
	if !selects(c.service.Spec.Selector, labels) || !selects(c.set.Spec.Selector.MatchLabels, labels) || !selects(c.policy.Spec.PodSelector.MatchLabels, labels) {
		t.Errorf("a selector does not take the pod with %v", labels)
	}
	if len(c.service.Spec.Ports) != 1 || c.service.Spec.Ports[0].TargetPort.StrVal != "callbacks" {
		t.Errorf("the service has the ports %+v", c.service.Spec.Ports)
	}
	policy := c.policy.Spec
	if !slices.Equal(policy.PolicyTypes, []networking.PolicyType{"Ingress", "Egress"}) || len(policy.Ingress) != 1 || len(policy.Egress) != 2 {
		t.Fatalf("policy %+v", policy)
	}
	wantPorts(t, policy.Ingress[0].Ports, 9181)
	wantPorts(t, policy.Egress[0].Ports, 53, 53)
	wantPorts(t, policy.Egress[1].Ports, 443)
	for _, rule := range policy.Ingress {
		if len(rule.From) == 0 {
			t.Error("every pod may send requests")
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return len(selector) > 0
}

func wantPorts(t *testing.T, ports []networking.NetworkPolicyPort, want ...int32) {
	t.Helper()
	var got []int32
	for _, port := range ports {
		got = append(got, port.Port.IntVal)
	}
	if !slices.Equal(got, want) {
		t.Errorf("ports %v, want %v", got, want)
	}
}
