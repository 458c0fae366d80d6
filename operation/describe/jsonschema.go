package describe

// schema is a JSON Schema, as far as the description needs it. Generators of clients understand
// less than JSON Schema has. So a value of several types is oneOf, since some refuse a list of
// types. Bounds are never exclusive, since OpenAPI 3.0 spells those in another way. And no
// pattern looks ahead, since the regular expressions of Go and Rust cannot.
type schema struct {
	Ref           string   `json:"$ref,omitempty"`
	Title         string   `json:"title,omitempty"`
	Type          string   `json:"type,omitempty"`
	Description   string   `json:"description,omitempty"`
	DescriptionVi string   `json:"x-description-vi,omitempty"`
	Format        string   `json:"format,omitempty"`
	Enum          []string `json:"enum,omitempty"`
	Pattern       string   `json:"pattern,omitempty"`
	MinLength     int      `json:"minLength,omitempty"`
	MaxLength     int      `json:"maxLength,omitempty"`
	Minimum       number   `json:"minimum,omitempty"`
	Maximum       number   `json:"maximum,omitempty"`
	WriteOnly     bool     `json:"writeOnly,omitempty"`
	Items         *schema  `json:"items,omitempty"`
	Properties    object   `json:"properties,omitempty"`
	Additional    bool     `json:"additionalProperties,omitempty"`
	Required      []string `json:"required,omitempty"`
	OneOf         []schema `json:"oneOf,omitempty"`
	AllOf         []any    `json:"allOf,omitempty"`
	Lists         []string `json:"x-lists,omitempty"`
	Disputed      string   `json:"x-disputed,omitempty"`
}

// The types of JSON values.
const (
	typeString  = "string"
	typeNumber  = "number"
	typeInteger = "integer"
	typeBoolean = "boolean"
	typeObject  = "object"
	typeArray   = "array"
	typeNull    = "null"
)

// number is a JSON number as it is written.
type number string

// MarshalJSON writes the digits as they are.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// oneOf is a schema of several variants, each of another type.
func oneOf(variants []schema) schema {
	if len(variants) == 1 {
		return variants[0]
	}
	return schema{OneOf: variants}
}

// refTo refers to a schema of the components.
func refTo(name string) schema { return schema{Ref: "#/components/schemas/" + name} }
