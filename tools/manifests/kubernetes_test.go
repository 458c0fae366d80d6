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
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
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
	namespace core.Namespace
	caddyfile core.ConfigMap
	set       apps.StatefulSet
	service   core.Service
	policy    networking.NetworkPolicy
}

// parseCluster reads the documents of texts; a field that Kubernetes does not have is an error.
func parseCluster(t *testing.T, texts ...string) *cluster {
	t.Helper()
	c := new(cluster)
	objects := map[string]any{
		"v1 Namespace": &c.namespace, "v1 ConfigMap": &c.caddyfile, "apps/v1 StatefulSet": &c.set, "v1 Service": &c.service,
		"networking.k8s.io/v1 NetworkPolicy": &c.policy,
	}
	for _, document := range documents(texts...) {
		var kind meta.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		name := kind.APIVersion + " " + kind.Kind
		if objects[name] == nil {
			t.Fatalf("unexpected or second object %s", name)
		}
		strictly(t, document, objects[name])
		delete(objects, name)
	}
	if len(objects) != 0 {
		t.Fatalf("objects are missing: %v", objects)
	}
	return c
}

// documents are the YAML documents of texts, without empty ones.
func documents(texts ...string) []string {
	var all []string
	for _, text := range texts {
		for document := range strings.SplitSeq("\n"+text, "\n---\n") {
			if strings.TrimSpace(document) != "" {
				all = append(all, document)
			}
		}
	}
	return all
}

// kustomized is what "kubectl apply --kustomize" sends to the cluster.
func kustomized(t *testing.T) string {
	t.Helper()
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, folder))
	if err != nil {
		t.Fatal(err)
	}
	text, err := objects.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eachCluster runs a test with the objects of the plain manifests, and of each rendering of the chart.
func eachCluster(t *testing.T, test func(t *testing.T, c *cluster)) {
	t.Helper()
	t.Run("kustomize", func(t *testing.T) { test(t, parseCluster(t, kustomized(t))) })
	for name, text := range renderings(t) {
		t.Run("chart, "+name, func(t *testing.T) { test(t, parseCluster(t, readFile(t, folder+"/namespace.yaml"), text)) })
	}
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

// No file of the folder is left out of the kustomization, and no key stands twice in one.
func TestKubernetesKustomization(t *testing.T) {
	var k kustomization
	strictly(t, readFile(t, folder+"/kustomization.yaml"), &k)
	var texts []string
	for _, file := range k.Resources {
		texts = append(texts, readFile(t, folder+"/"+file))
	}
	for _, document := range documents(texts...) {
		strictly(t, document, new(map[string]any))
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.yaml"))
	if err != nil || len(files) != len(k.Resources)+1 {
		t.Errorf("%d files beside the kustomization, it lists %v, error %v", len(files)-1, k.Resources, err)
	}
	if len(k.ConfigMapGenerator) != 1 || !slices.Equal(k.ConfigMapGenerator[0].Files, []string{"Caddyfile"}) {
		t.Errorf("config maps %+v", k.ConfigMapGenerator)
	}
	c := parseCluster(t, kustomized(t))
	if c.namespace.Name != k.Namespace || c.caddyfile.Data["Caddyfile"] != readFile(t, folder+"/Caddyfile") {
		t.Errorf("namespace %q, Caddyfile:\n%s", c.namespace.Name, c.caddyfile.Data["Caddyfile"])
	}
}

// The sidecar is a native one, starts before the app and is asked whether it lives and is ready.
func TestKubernetesSidecar(t *testing.T) {
	eachCluster(t, checkSidecar)
}

func checkSidecar(t *testing.T, c *cluster) {
	t.Helper()
	s := c.sidecar(t)
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
		caddyfile := c.caddyfile.Data["Caddyfile"]
		if want := map[string]int32{"callbacks": 9181, "health": 9183}; want[port.Name] != port.ContainerPort || !strings.Contains(caddyfile, "http://:"+map[int32]string{9181: "9181", 9183: "9183"}[port.ContainerPort]+" {") {
			t.Errorf("port %+v", port)
		}
	}
}

// The pod satisfies the standard "restricted", which its namespace enforces, as the image's user.
func TestKubernetesPodIsRestricted(t *testing.T) {
	eachCluster(t, checkPodIsRestricted)
}

func checkPodIsRestricted(t *testing.T, c *cluster) {
	t.Helper()
	if c.namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("namespace %+v", c.namespace)
	}
	for _, object := range []meta.ObjectMeta{c.caddyfile.ObjectMeta, c.set.ObjectMeta, c.service.ObjectMeta, c.policy.ObjectMeta} {
		if object.Namespace != c.namespace.Name {
			t.Errorf("%s is in the namespace %q, want %q", object.Name, object.Namespace, c.namespace.Name)
		}
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
	eachCluster(t, checkVolumes)
}

func checkVolumes(t *testing.T, c *cluster) {
	t.Helper()
	mounts := map[string]core.VolumeMount{}
	for _, mount := range c.sidecar(t).VolumeMounts {
		mounts[mount.Name] = mount
	}
	secretsIn(t, c.caddyfile.Data["Caddyfile"], mounts["secrets"].MountPath)
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
		if volume.ConfigMap != nil && volume.ConfigMap.Name != c.caddyfile.Name {
			t.Errorf("the config map %s is not made", volume.ConfigMap.Name)
		}
	}
}

// Requests come through the guard alone, and the pod calls name servers and https alone.
func TestKubernetesNetwork(t *testing.T) {
	eachCluster(t, checkNetwork)
}

func checkNetwork(t *testing.T, c *cluster) {
	t.Helper()
	labels := c.set.Spec.Template.Labels
	if !selects(c.service.Spec.Selector, labels) || !selects(c.set.Spec.Selector.MatchLabels, labels) || !selects(c.policy.Spec.PodSelector.MatchLabels, labels) {
		t.Errorf("a selector does not take the pod with %v", labels)
	}
	if len(c.service.Spec.Ports) != 1 || c.service.Spec.Ports[0].TargetPort.StrVal != "callbacks" {
		t.Errorf("the service has the ports %+v", c.service.Spec.Ports)
	}
	policy := c.policy.Spec
	policy.Egress = slices.DeleteFunc(slices.Clone(policy.Egress), isDatabaseRule)
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
