class CreateOrders < ActiveRecord::Migration[6.1]
  def change
    create_table :orders, id: :string do |t|
      t.bigint :amount, null: false
      t.string :currency, null: false, default: "VND"
      t.string :description, null: false
      t.string :status, null: false, default: "open" # failed, paid, refunding, refunded, review
      t.string :pay_key, null: false # kept before anything is sent
      t.string :transaction_id, null: false, default: ""
      t.integer :handed_out, null: false, default: 0
      t.string :refund_key, null: false, default: ""
      t.integer :refunds_refused, null: false, default: 0
      t.timestamps
    end
    # What the shop has taken about its orders. A message can come twice.
    create_table :messages do |t|
      t.references :order, type: :string, null: false, foreign_key: true
      t.string :transaction_id, null: false
      t.string :status, null: false
      t.index %i[order_id transaction_id status], unique: true
    end
  end
end
