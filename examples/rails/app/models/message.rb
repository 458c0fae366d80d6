# A message about an order that the shop has taken.
class Message < ApplicationRecord
  belongs_to :order
end
