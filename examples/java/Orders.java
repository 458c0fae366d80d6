import java.io.IOException;
import java.io.OutputStream;
import java.io.Reader;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Properties;
import java.util.function.Consumer;

/** The shop's own orders: a file each, written whole and synced. Its methods wait for each other. */
final class Orders {
    private final Path folder;

    Orders(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    /** Returns an order, or null. */
    synchronized Properties find(String id) throws IOException {
        Path file = folder.resolve(id.matches("DH-[0-9a-f]{10}") ? id : "none");
        if (!Files.exists(file)) {
            return null;
        }
        Properties order = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            order.load(reader);
        }
        return order;
    }

    /** Reads an order, lets change alter it, and saves it. */
    synchronized Properties change(String id, Consumer<Properties> change) throws IOException {
        Properties order = find(id);
        change.accept(order);
        save(order);
        return order;
    }

    synchronized void save(Properties order) throws IOException {
        Path written = folder.resolve("written");
        try (FileChannel file = FileChannel.open(written, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            OutputStream out = Channels.newOutputStream(file);
            order.store(out, null);
            file.force(true);
        }
        Files.move(written, folder.resolve(order.getProperty("id")), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
