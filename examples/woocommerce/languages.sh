#!/usr/bin/env bash
# Writes the list of texts in languages/, and brings the translations in step. Needs gettext.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/galaxypay-woocommerce"

texts=languages/galaxypay-woocommerce.pot
xgettext --language=PHP --from-code=UTF-8 --sort-by-file --no-wrap --add-comments=translators \
  --keyword=__:1 --keyword=esc_html__:1 --keyword=esc_html_e:1 --keyword=esc_attr_e:1 \
  --package-name=galaxypay-woocommerce --output=- ./*.php includes/*.php |
  sed '1,/^#, fuzzy/d; /^"POT-Creation-Date:/d; s/charset=CHARSET/charset=UTF-8/' >"$texts.new"
mv "$texts.new" "$texts"
for translation in languages/*.po; do
  [[ -f $translation ]] || continue
  msgmerge --quiet --update --backup=none --no-wrap --no-fuzzy-matching "$translation" "$texts"
  msgfmt --check-format --output-file=/dev/null "$translation"
done
