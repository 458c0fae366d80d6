package commands

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/doctor"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

func addTextFlags(c *cobra.Command) {
	c.Flags().String("text", "", "The text that was signed, as @file, or - for standard input")
	c.Flags().String("other-text", "", "Another copy of it, as @file: from the other side")
	c.Flags().String("signature", "", "The signature, as it is or as @file")
	addSaltFlag(c)
	addOtherSaltFlag(c)
	c.Flags().StringArray("previous-salt", nil, "A salt that was replaced; may be repeated")
	c.Flags().StringArray("api-key", nil, "The api key, which may have been taken for the salt; may be repeated")
}

// doctorText says why a text, a signature and a salt do not fit.
func doctorText(c *cobra.Command) error {
	in := newInputs(c)
	var it doctor.Case
	var err error
	if it.Text, err = in.Text("text"); err != nil {
		return err
	}
	if c.Flags().Changed("other-text") {
		if it.OtherText, err = in.Text("other-text"); err != nil {
			return err
		}
	}
	if it.Signature, err = in.rawSignature(); err != nil {
		return err
	}
	notes, err := in.secretsOf(&it)
	if err != nil {
		return err
	}
	report := doctor.Examine(it)
	tag := command.Language(c)
	if command.WantsJSON(c) {
		err = command.PrintJSON(c, reportInOne(report, notes, tag))
	} else {
		err = printReport(c.OutOrStdout(), &report, notes, tag)
	}
	if err == nil && !report.Proven {
		return command.SaidNo()
	}
	return err
}

// rawSignature reads --signature to the byte, but for the line end after it in a file.
func (in *inputs) rawSignature() (string, error) {
	if in.c.Flags().Changed("signature") {
		return in.signature()
	}
	return "", command.Usage("--signature: missing; give it as it is or as @file; an empty one is --signature ''",
		"thiếu --signature: hãy truyền nguyên văn hoặc bằng @tệp; chữ ký rỗng là --signature ''")
}

// secretsOf reads the secrets, to the byte but for one line end, which the configuration's placeholder {file.*} takes away too.
// What is strange about the salt is for doctor to find out.
func (in *inputs) secretsOf(it *doctor.Case) (notes []language.Text, err error) {
	value := in.c.Flag("salt").Value.String()
	if value == "" {
		return nil, errNoSalt()
	}
	raw, err := in.RawSecret("salt", value)
	if err != nil {
		return nil, err
	}
	it.Salt = doctor.Secret{Name: "--salt", Kind: doctor.Salt, Value: command.WithoutLineEnd(raw)}
	if len(it.Salt.Value) < len(raw) {
		notes = append(notes, language.Both(
			"A line end follows the salt where it comes from. It was left out here, as Caddy does; a program that keeps it makes other signatures.",
			"Sau salt có dấu xuống dòng ở nơi chứa nó. Ở đây nó được bỏ qua, như Caddy làm; chương trình nào giữ lại sẽ tạo chữ ký khác."))
	}
	for _, flag := range []struct {
		name string
		kind doctor.Kind
	}{{"other-salt", doctor.Other}, {"previous-salt", doctor.Previous}, {"api-key", doctor.APIKey}} {
		values, _ := in.c.Flags().GetStringArray(flag.name)
		for i, value := range values {
			raw, err := in.RawSecret(flag.name, value)
			if err != nil {
				return nil, err
			}
			name := "--" + flag.name
			if len(values) > 1 {
				name += " " + strconv.Itoa(i+1)
			}
			it.Others = append(it.Others, doctor.Secret{Name: name, Kind: flag.kind, Value: command.WithoutLineEnd(raw)})
		}
	}
	return notes, nil
}
