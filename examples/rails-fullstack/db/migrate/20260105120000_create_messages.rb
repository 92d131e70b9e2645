class CreateMessages < ActiveRecord::Migration[7.2]
  def change
    create_table :messages do |t|
      t.string :author, null: false
      t.text :body, null: false
      t.timestamps
    end
  end
end
