using System.Text.Json;
using System.Text.RegularExpressions;

/// <summary>One order of the shop.</summary>
public sealed class Order
{
    public required string Id { get; set; }
    public long Amount { get; set; }
    public string Currency { get; set; } = "VND";
    public string Description { get; set; } = "";
    public string Status { get; set; } = "open"; // failed, paid, refunding, refunded, review
    public required string PayKey { get; set; } // kept before anything is sent
    public string TransactionId { get; set; } = "";
    public int HandedOut { get; set; }
    public string RefundKey { get; set; } = "";
    public int RefundsRefused { get; set; }
    public List<string> Messages { get; set; } = []; // what it has taken: transaction and status
}

/// <summary>The shop's own orders: a file each, written whole and synced. Changes wait for each other.</summary>
public sealed class Orders(string path)
{
    private readonly object changing = new();
    private readonly string folder = Directory.CreateDirectory(path).FullName;

    public Order? Find(string? id)
    {
        if (id is null || !Regex.IsMatch(id, @"\ADH-[0-9a-f]{10}\z") || !File.Exists(FileOf(id)))
        {
            return null;
        }
        return JsonSerializer.Deserialize<Order>(File.ReadAllText(FileOf(id)));
    }

    /// <summary>Reads the order, lets change alter it, and saves it.</summary>
    public Order Change(string id, Action<Order> change)
    {
        lock (changing)
        {
            var order = Find(id) ?? throw new InvalidOperationException($"there is no order {id}");
            change(order);
            Save(order);
            return order;
        }
    }

    public void Save(Order order)
    {
        var written = FileOf(order.Id) + ".new";
        using (var file = new FileStream(written, FileMode.Create))
        {
            JsonSerializer.Serialize(file, order);
            file.Flush(flushToDisk: true);
        }
        File.Move(written, FileOf(order.Id), overwrite: true);
    }

    private string FileOf(string id) => System.IO.Path.Combine(folder, id + ".json");
}
